"""Effects after three whole nights: every answer counted, directions as planted, nothing marked by chance in any outcome.

Nine hundred people give a hundred and sixty answers: enough for directions, not for sizes. Those are tested on a larger company
in `test_planted_effects.py`.
"""

from __future__ import annotations

import pytest

from tests.truth.conftest import Company
from tests.truth.planted import NULLS as PLANTED_NULLS

# Experience in the truth -> factor it shows in, and the sign of what was planted.
SHOWN = {
    "service_visit": ("touchpoint", "service_visit", 1),
    "delivered_late": ("wait", "late_delivery", -1),
    "ticket_reopened": ("touchpoint", "ticket_reopened", -1),
}
# Nothing was planted on these: people meet them whatever they are like.
NULLS = (
    *("page_view", "cart_updated", "checkout_started", "landing_page_view", "site_search", "login", "content_download"),
    *("email_sent", "email_opened", "email_clicked", "invoice_sent", "invoice_paid", "order_shipped", "form_submitted"),
)


@pytest.mark.parametrize("experience", sorted(SHOWN))
def test_direction_of_a_planted_effect(company: Company, experience: str) -> None:
    """The means as they are: some experiences were met by ten people, for whom no adjusted figure is given."""
    kind, factor, sign = SHOWN[experience]
    planted, difference = company.rows(
        f"""
        select planted_points, mean_score_with - mean_score_without from truth.touchpoint_effect
        where experience = '{experience}'
        """
    )[0]
    assert planted * sign > 0
    assert difference * sign > 0, "these few answers do not show the planted direction themselves; take another seed"
    found, count, effect = company.rows(
        f"""
        select with_mean - without_mean, with_count, effect from touchpoint_effect
        where measure = 'satisfaction' and scope = 'nps' and factor_kind = '{kind}' and factor = '{factor}'
        """
    )[0]
    assert count > 0
    assert found * sign > 0
    assert (effect is None) == (count < 30)


def test_what_has_no_effect_is_not_marked(company: Company) -> None:
    """Fourteen types without a planted effect on the NPS; effort scores are few here and follow the ticket."""
    rows = company.rows(
        f"""
        select scope, factor, is_marked, estimate_status from touchpoint_effect
        where measure = 'satisfaction' and scope = 'nps' and factor_kind = 'touchpoint' and factor in {NULLS}
        """
    )
    assert len(rows) >= 8
    assert [row for row in rows if row[2]] == []
    assert sum(row[3] == "estimated" for row in rows) >= 1


@pytest.mark.parametrize(("measure", "scope"), [("conversion", "purchase"), ("retention", "repeat_order")])
def test_no_null_of_buying_or_coming_back_is_marked(company: Company, measure: str, scope: str) -> None:
    """Touchpoints that nothing of the outcome depends on; most were met by too few of nine hundred people for a figure.

    Not the invoices: they follow every order but those at the till, come in pairs, and are set off against each other by so few
    returns. With six and with twenty thousand customers they are nulls like the others (`test_planted_effects.py`).
    """
    nulls = tuple(name for name in PLANTED_NULLS[measure, scope] if not name.startswith("invoice_"))
    rows = company.rows(
        f"""
        select factor, is_marked, estimate_status from touchpoint_effect
        where measure = '{measure}' and scope = '{scope}' and factor_kind = 'touchpoint'
            and factor in {nulls}
        """
    )
    assert [row[0] for row in rows if row[1]] == []
    assert sum(row[2] == "estimated" for row in rows) >= 3


def test_a_service_visit_brings_people_back(company: Company) -> None:
    """Three in ten of the visited buy at the till within thirty days who would not have."""
    share_with, share_without, planted = company.rows(
        """
        select with_mean, without_mean, (select planted_share from truth.return_effect where experience = 'service_visit')
        from touchpoint_effect
        where measure = 'retention' and scope = 'repeat_order' and factor_kind = 'touchpoint' and factor = 'service_visit'
        """
    )[0]
    assert planted == 0.3
    assert share_with > 2 * share_without


def test_counts_with_and_without_are_all_answers(company: Company) -> None:
    """Each answer is on one side for each type."""
    answers = dict(company.rows("select kind, count(*) from truth.survey_answer group by 1"))
    rows = company.rows(
        """
        select scope, factor, with_count + without_count from touchpoint_effect
        where measure = 'satisfaction' and factor_kind = 'touchpoint'
        """
    )
    assert {scope for scope, *_ in rows} >= set(answers)
    assert [row for row in rows if row[0] in ("nps", "ces") and row[2] != answers[row[0]]] == []


def test_silence_after_an_invitation_is_shown(company: Company) -> None:
    """The helpdesk offers its rating more often than it is answered; of the other surveys no export tells an invitation."""
    shares = dict(
        company.rows("select distinct scope, response_share from touchpoint_effect where measure = 'satisfaction'")
    )
    assert 0.2 < shares["csat"] < 0.8
    assert shares["nps"] is None


def test_the_experiment_shows_in_every_night(company: Company) -> None:
    count, method, p = company.rows(
        """
        select with_count + without_count, method, sample_ratio_p_value from touchpoint_effect
        where factor_kind = 'variant' and scope = 'email_clicked'
        """
    )[0]
    assert method == "experiment" and p > 0.001
    people = company.value("select sum(person_count) from truth.experiment")
    # Some of them share a mailbox or are found as one person; few are lost.
    assert 0.9 * people < count <= people


def test_credit_is_given_out_and_no_open_journey_is_a_null(company: Company) -> None:
    conversions = dict(
        company.rows("select journey_definition, count(*) from journey where status = 'converted' group by 1")
    )
    rows = company.rows(
        "select journey_definition, attribution_model, sum(conversion_credit) from channel_attribution group by all"
    )
    assert len({model for _, model, _ in rows}) == 10
    for definition, model, credit in rows:
        assert credit == pytest.approx(conversions.get(definition, 0)), (definition, model)
    touches = "from state.attribution_touch join journey using (journey_id)"
    assert company.value(f"select count(*) {touches} where status = 'converted'") > 0
    assert company.value(f"select count(*) {touches} where status = 'open'") == 0
