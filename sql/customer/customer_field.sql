-- customer_field: where each field of the golden record comes from: the value chosen, who says so, and why it was preferred.
-- kind: per_customer
-- grain: customer_id, field
-- Preferred, in this order: a valid value (an address that mail can reach, a date on which somebody can be born), the system
-- that the configuration believes first, the latest statement (undated last), the value that most systems agree on; then by
-- system and party_record_id, so that the same records give the same answer. reason names the first of these in which the
-- chosen value is ahead of the best other value.
-- Names and addresses are taken whole from one record: half an old and half a new address is nobody's.
with

setting_import as (
    select data_date_at
    from setting
),

priority as (
    select
        source_system,
        priority
    from source_priority
),

record as (
    select
        party_record.customer_id,
        party_record.party_record_id,
        party_record.party_type,
        party_record.full_name,
        party_record.given_name,
        party_record.family_name,
        party_record.organisation_name,
        party_record.email,
        party_record.phone,
        party_record.street,
        party_record.house_number,
        party_record.postal_code,
        party_record.city,
        party_record.country,
        party_record.birth_date,
        party_record.language,
        party_record.valid_from,
        party_record.source_system,
        coalesce(priority.priority, 9999) as priority,
        setting_import.data_date_at
    from party_record
    cross join setting_import
    left join priority on priority.source_system = party_record.source_system
    where party_record.customer_id is not null
        and (party_record.valid_from is null or party_record.valid_from <= setting_import.data_date_at)
),

stated as (
    select
        customer_id, 'party_type' as field, party_type as value, true as is_valid,
        priority, valid_from, source_system, party_record_id
    from record
    union all
    select
        customer_id, 'name' as field,
        coalesce(full_name, trim(coalesce(given_name, '') || ' ' || coalesce(family_name, ''))) as value,
        not regexp_matches(
            lower(coalesce(full_name, trim(coalesce(given_name, '') || ' ' || coalesce(family_name, '')))),
            '^(test|unknown|onbekend|ukendt|anonymous|guest|customer|klant|kunde|none|null|n/?a|[^a-zà-ÿ]*|x+)$'
        ) as is_valid,
        priority, valid_from, source_system, party_record_id
    from record
    where full_name is not null or given_name is not null or family_name is not null
    union all
    select
        customer_id, 'organisation_name' as field, organisation_name as value, true as is_valid,
        priority, valid_from, source_system, party_record_id
    from record
    where organisation_name is not null
    union all
    select
        customer_id, 'email' as field, email as value,
        regexp_matches(trim(email), '^[^@ ]+@[^@ ]+[.][^@ .]{2,}$') as is_valid,
        priority, valid_from, source_system, party_record_id
    from record
    where email is not null
    union all
    -- fewer than seven digits reach nobody, more than fifteen no number has (E.164)
    select
        customer_id, 'phone' as field, phone as value,
        length(regexp_replace(phone, '[^0-9]', '', 'g')) between 7 and 15
        and not regexp_matches(phone, '0{8}|1{8}|9{8}|12345678') as is_valid,
        priority, valid_from, source_system, party_record_id
    from record
    where phone is not null
    union all
    select
        customer_id, 'address' as field,
        trim(
            coalesce(street, '') || ' ' || coalesce(house_number, '') || ' ' || coalesce(postal_code, '') || ' '
            || coalesce(city, '')
        ) as value,
        street is not null and city is not null or postal_code is not null as is_valid,
        priority, valid_from, source_system, party_record_id
    from record
    where postal_code is not null or street is not null or city is not null
    union all
    select
        customer_id, 'country' as field, country as value, regexp_matches(country, '^[A-Z][A-Z]$') as is_valid,
        priority, valid_from, source_system, party_record_id
    from record
    where country is not null
    union all
    -- the first of January 1900 and 1970 are what systems write when they do not know
    select
        customer_id, 'birth_date' as field, cast(birth_date as varchar) as value,
        birth_date > date '1900-01-01' and birth_date <= cast(data_date_at as date)
        and birth_date <> date '1970-01-01' as is_valid,
        priority, valid_from, source_system, party_record_id
    from record
    where birth_date is not null
    union all
    select
        customer_id, 'language' as field, language as value, regexp_matches(language, '^[a-z][a-z]$') as is_valid,
        priority, valid_from, source_system, party_record_id
    from record
    where language is not null
),

-- Values that differ in case, blanks and punctuation only are one value.
compared as (
    select
        customer_id,
        field,
        value,
        case
            when field = 'phone' then regexp_replace(value, '[^0-9]', '', 'g')
            else regexp_replace(lower(value), '[ .,_-]', '', 'g')
        end as compared_value,
        is_valid,
        priority,
        valid_from,
        source_system,
        party_record_id
    from stated
),

supported as (
    select
        customer_id,
        field,
        compared_value,
        count(distinct source_system) as agreeing_system_count
    from compared
    group by
        customer_id,
        field,
        compared_value
),

ranked as (
    select
        compared.customer_id,
        compared.field,
        compared.value,
        compared.compared_value,
        compared.is_valid,
        compared.priority,
        compared.valid_from,
        compared.source_system,
        compared.party_record_id,
        supported.agreeing_system_count,
        row_number() over (
            partition by compared.customer_id, compared.field
            order by
                compared.is_valid desc,
                compared.priority,
                compared.valid_from desc nulls last,
                supported.agreeing_system_count desc,
                compared.source_system,
                compared.party_record_id
        ) as place
    from compared
    inner join supported
        on supported.customer_id = compared.customer_id
        and supported.field = compared.field
        and supported.compared_value = compared.compared_value
),

chosen as (
    select
        customer_id,
        field,
        value,
        compared_value,
        is_valid,
        priority,
        valid_from,
        source_system,
        party_record_id,
        agreeing_system_count
    from ranked
    where place = 1
),

other as (
    select
        ranked.customer_id,
        ranked.field,
        ranked.is_valid,
        ranked.priority,
        ranked.valid_from,
        ranked.agreeing_system_count,
        row_number() over (partition by ranked.customer_id, ranked.field order by ranked.place) as other_place
    from ranked
    inner join chosen
        on chosen.customer_id = ranked.customer_id
        and chosen.field = ranked.field
    where ranked.compared_value <> chosen.compared_value
),

value_count as (
    select
        customer_id,
        field,
        count(*) as value_count
    from supported
    group by
        customer_id,
        field
)

select
    cast(chosen.customer_id as bigint) as customer_id,
    cast(chosen.field as varchar) as field,
    cast(chosen.value as varchar) as value,
    cast(chosen.is_valid as boolean) as is_valid,
    cast(chosen.source_system as varchar) as source_system,
    cast(chosen.party_record_id as bigint) as party_record_id,
    cast(chosen.valid_from as timestamp) as valid_from,
    cast(chosen.agreeing_system_count as integer) as agreeing_system_count,
    cast(value_count.value_count - 1 as integer) as other_value_count,
    cast(
        case
            when other.field is null then 'only value'
            when chosen.is_valid and not other.is_valid then 'only valid value'
            when chosen.priority < other.priority then 'system believed first'
            when chosen.valid_from is not null and other.valid_from is null then 'only dated statement'
            when chosen.valid_from > other.valid_from then 'latest statement'
            when chosen.agreeing_system_count > other.agreeing_system_count then 'most systems agree'
            else 'no better reason'
        end as varchar
    ) as reason
from chosen
inner join value_count
    on value_count.customer_id = chosen.customer_id
    and value_count.field = chosen.field
left join other
    on other.customer_id = chosen.customer_id
    and other.field = chosen.field
    and other.other_place = 1
