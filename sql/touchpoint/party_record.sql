-- party_record: what each system says about a person, with the customer it was resolved to.
-- kind: per_customer
-- grain: party_record_id
-- The columns of the canonical party record, unchanged; only customer_id is found by identity resolution.
select
    cast(party_record_id as bigint) as party_record_id,
    cast(customer_id as bigint) as customer_id,
    cast(party_type as varchar) as party_type,
    cast(identifiers as STRUCT("type" VARCHAR, "value" VARCHAR)[]) as identifiers,
    cast(full_name as varchar) as full_name,
    cast(given_name as varchar) as given_name,
    cast(family_name as varchar) as family_name,
    cast(organisation_name as varchar) as organisation_name,
    cast(email as varchar) as email,
    cast(phone as varchar) as phone,
    cast(street as varchar) as street,
    cast(house_number as varchar) as house_number,
    cast(postal_code as varchar) as postal_code,
    cast(city as varchar) as city,
    cast(country as varchar) as country,
    cast(birth_date as date) as birth_date,
    cast(language as varchar) as language,
    cast(consent_email as boolean) as consent_email,
    cast(consent_phone as boolean) as consent_phone,
    cast(consent_post as boolean) as consent_post,
    cast(valid_from as timestamp) as valid_from,
    cast(attributes as varchar) as attributes,
    cast(source_system as varchar) as source_system,
    cast(source_export as varchar) as source_export,
    cast(source_file_id as varchar) as source_file_id,
    cast(source_row_number as integer) as source_row_number,
    cast(source_row_id as bigint) as source_row_id
from party_record_scope
