-- household: customers who share an address, as their golden records have it.
-- kind: aggregate
-- grain: customer_id
-- A household has the id of the member who was seen first, so that a member more does not rename it. The same address: country,
-- postal code and house number with its addition, or street, house number and city where there is no postal code; upper case,
-- without blanks and punctuation. One system has the number in a column of its own, the next behind the street.
-- More members than the configured limit are a block of flats without numbers, an office or a parcel shop, no household.
with

split as (
    select
        customer.customer_id,
        customer.first_seen_at,
        customer.country,
        customer.postal_code,
        customer.city,
        customer.street,
        customer.house_number,
        case
            when customer.house_number is null
                then nullif(regexp_extract(upper(customer.street), '^.*?[A-ZÀ-Þ.][ ,]+([0-9].*)$', 1), '')
        end as number_in_street,
        case
            when customer.house_number is null
                then nullif(regexp_extract(upper(customer.street), '^(.*?[A-ZÀ-Þ.])[ ,]+[0-9].*$', 1), '')
        end as street_alone
    from customer
    where customer.party_type = 'person'
),

person as (
    select
        split.customer_id,
        split.first_seen_at,
        coalesce(split.country, setting.default_country) as country,
        regexp_replace(upper(split.postal_code), '[^0-9A-Z]', '', 'g') as postal_code,
        regexp_replace(upper(coalesce(split.house_number, split.number_in_street)), '[^0-9A-Z]', '', 'g') as house_number,
        regexp_replace(upper(coalesce(split.street_alone, split.street)), '[^0-9A-ZÀ-Þ]', '', 'g') as street,
        regexp_replace(upper(split.city), '[^0-9A-ZÀ-Þ]', '', 'g') as city,
        setting.household_limit
    from split
    cross join setting
),

-- A number that stands first or close to its street's name stays part of the street.
addressed as (
    select
        customer_id,
        first_seen_at,
        household_limit,
        country || '|' || coalesce(postal_code, city) || '|' || coalesce(house_number, street) || '|' || case
            when postal_code is null then coalesce(street, '') else ''
        end as address
    from person
    where (house_number is not null or regexp_matches(street, '[0-9]'))
        and (postal_code is not null or city is not null and street is not null)
),

shared as (
    select
        customer_id,
        household_limit,
        count(*) over (partition by address) as member_count,
        first_value(customer_id) over (
            partition by address
            order by first_seen_at nulls last, customer_id
            rows between unbounded preceding and unbounded following
        ) as household_id
    from addressed
)

select
    cast(household_id as bigint) as household_id,
    cast(customer_id as bigint) as customer_id,
    cast(member_count as integer) as member_count
from shared
where member_count between 2 and household_limit
