-- party_record: what each system says about a person, with the customer it was resolved to.
-- kind: per_customer
-- grain: party_record_id
-- The columns of the canonical party record, unchanged; only customer_id is found by identity resolution.
with record as (
  select
    party_record_id,
    customer_id,
    party_type,
    identifiers,
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
    attributes,
    source_system,
    source_export,
    source_file_id,
    source_row_number,
    source_row_id
  from party_record_scope
)

select
  party_record_id,
  customer_id,
  party_type,
  identifiers,
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
  attributes,
  source_system,
  source_export,
  source_file_id,
  source_row_number,
  source_row_id
from record
