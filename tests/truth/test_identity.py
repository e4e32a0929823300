"""Who is who: customers against people, by the identifiers that the demo company's truth gives each person."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

from tests.truth.conftest import Company

# Identifiers of one person only, with the customer that holds each as a link and not merely as a fact beside it.
OWN = """
    select t.person_id, t.identity_group, t.identifier_type, t.identifier_value, c.customer_id
    from truth.identifier as t
    left join customer_identifier as c using (identifier_type, identifier_value)
    where not t.is_shared
"""


def pairs(company: Company, *columns: str) -> int:
    """Pairs of identifiers that agree in these columns."""
    sizes = company.rows(f"select count(*) from ({OWN}) where customer_id is not null group by {', '.join(columns)}")
    return sum(comb(size, 2) for (size,) in sizes)


def test_every_identifier_of_a_person_is_known_and_has_one_customer(company: Company) -> None:
    assert company.value(f"select count(*) from ({OWN})") > 5000
    assert company.rows(f"select * from ({OWN}) where customer_id is null") == []
    assert company.rows(f"select identifier_type, identifier_value from ({OWN}) group by all having count(*) > 1") == []


def test_pairs_of_identifiers(company: Company, record_property: Callable[[str, object], None]) -> None:
    """Recall 1 of what the exports connect, F1 at least 0.99 of all there is to know, hardly a wrong pair.

    Measured with this seed: by identifiers alone 14,463 pairs right, none wrong, 255 missing: precision 1, recall 0.9827, F1
    0.9913. The missing pairs are people of whom no record of any export, and no visit, connects two groups of identifiers
    (a second e-mail address in the newsletter only, a login that the CRM never got). A name and a telephone number but for
    two swapped digits join nobody beside another address (the demo company's numbers are dense).
    """
    right, claimed, true = (
        pairs(company, "person_id", "customer_id"),
        pairs(company, "customer_id"),
        pairs(company, "person_id"),
    )
    precision, recall = right / claimed, right / true
    f1 = 2 * precision * recall / (precision + recall)
    for name, figure in (("precision", precision), ("recall", recall), ("f1", f1)):
        record_property(f"identity_{name}", round(figure, 5))
    assert right > 10_000
    assert precision >= 0.998, f"{claimed - right} of {claimed} pairs are of two people"
    assert f1 >= 0.99, f"precision {precision:.5f}, recall {recall:.5f}, F1 {f1:.5f}"


def test_what_records_connect_is_one_customer(company: Company) -> None:
    """Recall 1 inside the groups of identifiers that some export connects."""
    groups = company.rows(
        f"select person_id, identity_group from ({OWN}) group by all having count(distinct customer_id) > 1"
    )
    assert groups == []


def test_members_of_a_household_stay_several_customers(company: Company) -> None:
    """They share a telephone at home and an address, some also the computer; that must not make them one."""
    merged = company.rows(
        f"""
        select h.household_id, o.customer_id from ({OWN}) as o join truth.household as h using (person_id)
        group by all having count(distinct h.person_id) > 1
        """
    )
    assert merged == []
    households = company.value(
        f"""
        select count(*) from (
            select household_id from truth.household join ({OWN}) using (person_id)
            group by 1 having count(distinct person_id) > 1 and count(distinct customer_id) > 1)
        """
    )
    assert households >= 20


def test_the_telephone_of_a_household_is_guarded(company: Company) -> None:
    """A shared number joins nobody, and its records stay visible under the people and under the number itself."""
    shared = company.rows(
        """
        select distinct c.identifier_value, c.is_link
        from truth.identifier as t join customer_identifier as c using (identifier_type, identifier_value)
        where t.identifier_type = 'phone' and t.is_shared
        """
    )
    assert len(shared) >= 15
    assert {is_link for _, is_link in shared} == {False}


def test_a_shared_mailbox_joins_nobody(company: Company) -> None:
    """info@ addresses are role mailboxes: several people write from them, and each stays a customer."""
    boxes = company.rows(
        f"""
        select m.mailbox_id, count(distinct m.person_id), count(distinct o.customer_id), bool_or(c.is_link)
        from truth.shared_mailbox as m
        join ({OWN}) as o using (person_id)
        join customer_identifier as c on c.identifier_type = 'email' and c.identifier_value = m.email
        group by 1 having count(distinct m.person_id) > 1
        """
    )
    assert boxes
    for mailbox, people, customers, is_link in boxes:
        assert customers >= people, mailbox
        assert not is_link


def test_a_contact_typed_in_twice_is_one_customer(company: Company) -> None:
    twice = company.rows(
        """
        select d.person_id, a.customer_id = b.customer_id
        from truth.duplicate_contact as d
        join customer_identifier as a
            on a.identifier_type = 'salesforce.contact' and a.identifier_value = d.salesforce_contact
        join customer_identifier as b
            on b.identifier_type = 'salesforce.contact' and b.identifier_value = d.duplicate_salesforce_contact
        """
    )
    assert len(twice) >= 5
    assert all(same for _, same in twice)


def test_every_touchpoint_that_names_its_person_has_that_persons_customer(company: Company) -> None:
    """Touchpoints that (export, type, second) name uniquely: about three quarters of them.

    A visit on the site names the person when the same device carried the login, the recipient of a newsletter or an
    order number on that day (UTC); all other visits belong to nobody the company knows.
    """
    identified, right, unnamed, stray = company.rows(
        """
        with known as (select distinct customer_id from truth.own_customer)
        select
            count(*) filter (where is_identified),
            count(*) filter (where is_identified and (person_id, customer_id) in (from truth.own_customer)),
            count(*) filter (where not is_identified),
            count(*) filter (where not is_identified and customer_id in (from known))
        from truth.made
        """
    )[0]
    assert identified > 10_000
    assert right == identified
    assert unnamed > 5_000
    assert stray == 0


def test_customers_keep_their_ids_over_the_nights(company: Company) -> None:
    """Later nights bring more files; a customer id that the first night gave stays, unless two customers became one."""
    first = company.releases[0].data_file
    company.con.execute(f"attach if not exists '{first}' as first_night (read_only)")
    changed, kept = company.rows(
        """
        select
            count(*) filter (where b.customer_id <> a.customer_id),
            count(*) filter (where b.customer_id = a.customer_id)
        from first_night.customer_identifier as a
        join customer_identifier as b using (identifier_type, identifier_value)
        where a.is_link and b.is_link
        """
    )[0]
    assert kept > 10_000
    assert changed < 0.01 * kept
