-- customer: the golden record: per person what is best believed of all that systems say, with what binds it together.
-- kind: per_customer
-- grain: customer_id
-- Which system's statement each field is taken from, and why, is customer_field's.
-- Consent: the latest statement counts; of two from the same moment, and of undated ones, the refusal. An unsubscription
-- after the statement withdraws consent for e-mail.
with

record as (
    select
        customer_id,
        party_record_id,
        full_name,
        given_name,
        family_name,
        street,
        house_number,
        postal_code,
        city,
        country,
        consent_email,
        consent_phone,
        consent_post,
        valid_from,
        source_system
    from party_record
    cross join setting
    where party_record.customer_id is not null
        and (party_record.valid_from is null or party_record.valid_from <= setting.data_date_at)
),

touchpoint_type_import as (
    select
        touchpoint_type_code,
        touchpoint_type
    from touchpoint_type
),

chosen as (
    select
        customer_id,
        max(case when field = 'party_type' then value end) as party_type,
        max(case when field = 'name' then party_record_id end) as name_record_id,
        max(case when field = 'organisation_name' then value end) as organisation_name,
        -- what reaches nobody, or nobody was born on, is told in customer_field and left out here
        max(case when field = 'email' and is_valid then value end) as email,
        max(case when field = 'phone' and is_valid then value end) as phone,
        max(case when field = 'address' then party_record_id end) as address_record_id,
        max(case when field = 'country' then value end) as country,
        max(case when field = 'birth_date' and is_valid then value end) as birth_date,
        max(case when field = 'language' then value end) as language
    from customer_field
    group by customer_id
),

named as (
    select
        chosen.customer_id,
        record.full_name,
        record.given_name,
        record.family_name
    from chosen
    inner join record
        on record.customer_id = chosen.customer_id
        and record.party_record_id = chosen.name_record_id
),

addressed as (
    select
        chosen.customer_id,
        record.street,
        record.house_number,
        record.postal_code,
        record.city,
        record.country
    from chosen
    inner join record
        on record.customer_id = chosen.customer_id
        and record.party_record_id = chosen.address_record_id
),

statement as (
    select
        customer_id,
        max(case when consent_email is not null then valid_from end) as consent_email_at,
        max(case when consent_phone is not null then valid_from end) as consent_phone_at,
        max(case when consent_post is not null then valid_from end) as consent_post_at
    from record
    group by customer_id
),

consent as (
    select
        record.customer_id,
        max(statement.consent_email_at) as consent_email_at,
        bool_and(record.consent_email) filter (
            where statement.consent_email_at is null or record.valid_from = statement.consent_email_at
        ) as consent_email,
        bool_and(record.consent_phone) filter (
            where statement.consent_phone_at is null or record.valid_from = statement.consent_phone_at
        ) as consent_phone,
        bool_and(record.consent_post) filter (
            where statement.consent_post_at is null or record.valid_from = statement.consent_post_at
        ) as consent_post
    from record
    inner join statement on statement.customer_id = record.customer_id
    group by record.customer_id
),

party as (
    select
        customer_id,
        count(*) as party_record_count,
        count(distinct source_system) as source_system_count,
        min(valid_from) as first_valid_from,
        max(valid_from) as last_valid_from
    from record
    group by customer_id
),

activity as (
    select
        spine.customer_id,
        count(*) as touchpoint_count,
        count(distinct spine.session_id) as session_count,
        min(spine.occurred_at) as first_seen_at,
        max(spine.occurred_at) as last_seen_at,
        max(
            case when touchpoint_type_import.touchpoint_type = 'email_unsubscribed' then spine.occurred_at end
        ) as unsubscribed_at
    from spine
    inner join touchpoint_type_import
        on touchpoint_type_import.touchpoint_type_code = spine.touchpoint_type_code
    group by spine.customer_id
),

identifier as (
    select
        customer_id,
        count(*) as identifier_count
    from customer_identifier
    group by customer_id
),

known as (
    select customer_id from party
    union
    select customer_id from activity
)

select
    cast(known.customer_id as bigint) as customer_id,
    cast(coalesce(chosen.party_type, 'person') as varchar) as party_type,
    cast(
        coalesce(
            named.full_name,
            nullif(trim(coalesce(named.given_name, '') || ' ' || coalesce(named.family_name, '')), '')
        ) as varchar
    ) as full_name,
    cast(named.given_name as varchar) as given_name,
    cast(named.family_name as varchar) as family_name,
    cast(chosen.organisation_name as varchar) as organisation_name,
    cast(chosen.email as varchar) as email,
    cast(chosen.phone as varchar) as phone,
    cast(addressed.street as varchar) as street,
    cast(addressed.house_number as varchar) as house_number,
    cast(addressed.postal_code as varchar) as postal_code,
    cast(addressed.city as varchar) as city,
    cast(coalesce(addressed.country, chosen.country) as varchar) as country,
    cast(chosen.birth_date as date) as birth_date,
    cast(chosen.language as varchar) as language,
    cast(
        case
            when activity.unsubscribed_at is not null
                and (consent.consent_email_at is null or activity.unsubscribed_at >= consent.consent_email_at)
                then false
            else consent.consent_email
        end as boolean
    ) as consent_email,
    cast(consent.consent_phone as boolean) as consent_phone,
    cast(consent.consent_post as boolean) as consent_post,
    cast(least(activity.first_seen_at, party.first_valid_from) as timestamp) as first_seen_at,
    cast(coalesce(activity.last_seen_at, party.last_valid_from) as timestamp) as last_seen_at,
    cast(coalesce(activity.touchpoint_count, 0) as bigint) as touchpoint_count,
    cast(coalesce(activity.session_count, 0) as bigint) as session_count,
    cast(coalesce(party.party_record_count, 0) as bigint) as party_record_count,
    cast(coalesce(party.source_system_count, 0) as integer) as source_system_count,
    cast(coalesce(identifier.identifier_count, 0) as bigint) as identifier_count
from known
left join party on party.customer_id = known.customer_id
left join chosen on chosen.customer_id = known.customer_id
left join named on named.customer_id = known.customer_id
left join addressed on addressed.customer_id = known.customer_id
left join consent on consent.customer_id = known.customer_id
left join activity on activity.customer_id = known.customer_id
left join identifier on identifier.customer_id = known.customer_id
