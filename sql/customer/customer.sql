-- customer: the golden record: per person the latest that any system says, with what binds it together.
-- kind: per_customer
-- grain: customer_id
-- Latest first: valid_from (unknown last), system, party_record_id; so the same records give the same answer.
-- Names and the address are taken whole from one record: half an old and half a new address is nobody's.
-- Consent: the latest statement counts; of two from the same moment, and of undated ones, the refusal. An unsubscription
-- after the statement withdraws consent for e-mail.
with

record as (
    select
        customer_id,
        party_record_id,
        party_type,
        full_name,
        given_name,
        family_name,
        organisation_name,
        email,
        phone,
        street,
        house_number,
        postal_code,
        city,
        country,
        birth_date,
        language,
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

-- One window for all attributes: one sort, however many columns.
latest as (
    select
        customer_id,
        row_number() over by_recency as recency,
        first_value(party_type ignore nulls) over by_recency as party_type,
        first_value(
            case
                when full_name is not null or family_name is not null or given_name is not null
                    then struct_pack(full_name := full_name, given_name := given_name, family_name := family_name)
            end ignore nulls
        ) over by_recency as name,
        first_value(organisation_name ignore nulls) over by_recency as organisation_name,
        first_value(email ignore nulls) over by_recency as email,
        first_value(phone ignore nulls) over by_recency as phone,
        first_value(
            case
                when postal_code is not null or street is not null or city is not null
                    then struct_pack(
                        street := street,
                        house_number := house_number,
                        postal_code := postal_code,
                        city := city,
                        country := country
                    )
            end ignore nulls
        ) over by_recency as address,
        first_value(country ignore nulls) over by_recency as country,
        first_value(birth_date ignore nulls) over by_recency as birth_date,
        first_value(language ignore nulls) over by_recency as language
    from record
    window by_recency as (
        partition by customer_id
        order by valid_from desc nulls last, source_system, party_record_id
        rows between unbounded preceding and unbounded following
    )
    qualify recency = 1
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
    cast(coalesce(latest.party_type, 'person') as varchar) as party_type,
    cast(
        coalesce(
            latest.name.full_name,
            nullif(trim(coalesce(latest.name.given_name, '') || ' ' || coalesce(latest.name.family_name, '')), '')
        ) as varchar
    ) as full_name,
    cast(latest.name.given_name as varchar) as given_name,
    cast(latest.name.family_name as varchar) as family_name,
    cast(latest.organisation_name as varchar) as organisation_name,
    cast(latest.email as varchar) as email,
    cast(latest.phone as varchar) as phone,
    cast(latest.address.street as varchar) as street,
    cast(latest.address.house_number as varchar) as house_number,
    cast(latest.address.postal_code as varchar) as postal_code,
    cast(latest.address.city as varchar) as city,
    cast(coalesce(latest.address.country, latest.country) as varchar) as country,
    cast(latest.birth_date as date) as birth_date,
    cast(latest.language as varchar) as language,
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
left join latest on latest.customer_id = known.customer_id
left join consent on consent.customer_id = known.customer_id
left join activity on activity.customer_id = known.customer_id
left join identifier on identifier.customer_id = known.customer_id
