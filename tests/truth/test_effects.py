"""What goes with satisfaction: directions of the planted effects, and no mark where nothing was planted.

`touchpoint_effect` is an association by touchpoint type. A delivery that comes late, a long wait in a call and a fast
solution differ from others of their type in a measure and not in the type, so they cannot show here; a reopened ticket
has no time in the helpdesk's export, but every reopened ticket is one that was opened and solved.
"""

from __future__ import annotations

import pytest

from tests.truth.conftest import Company

# Experience in the truth -> touchpoint type it shows in, and the sign of what was planted.
SHOWN = {
    "service_visit": ("service_visit", 1),
    "payment_failed": ("payment_failed", -1),
    "ticket_reopened": ("ticket_resolved", -1),
}
# Nothing was planted on these: people meet them whatever they are like.
NULLS = (
    *("page_view", "cart_updated", "checkout_started", "landing_page_view", "site_search", "login", "content_download"),
    *("email_sent", "email_opened", "email_clicked", "invoice_sent", "invoice_paid", "order_shipped", "form_submitted"),
)


@pytest.mark.parametrize("experience", sorted(SHOWN))
def test_direction_of_a_planted_effect(company: Company, experience: str) -> None:
    """Direction only: a hundred and sixty answers, some experiences met by ten people, give no size."""
    touchpoint_type, sign = SHOWN[experience]
    planted, difference = company.rows(
        f"""
        select planted_points, mean_score_with - mean_score_without from truth.touchpoint_effect
        where experience = '{experience}'
        """
    )[0]
    assert planted * sign > 0
    assert difference * sign > 0, "these few answers do not show the planted direction themselves; take another seed"
    found, count = company.rows(
        f"""
        select difference, with_count from touchpoint_effect
        where measure = 'satisfaction' and scope = 'nps' and touchpoint_type = '{touchpoint_type}'
        """
    )[0]
    assert count > 0
    assert found * sign > 0


def test_what_has_no_effect_is_not_marked(company: Company) -> None:
    """Fourteen types without a planted effect, three kinds of score: uncorrected, one in twenty would be by chance."""
    marked = company.rows(
        f"""
        select scope, touchpoint_type, is_marked, p_value_adjusted from touchpoint_effect
        where measure = 'satisfaction' and touchpoint_type in {NULLS}
        """
    )
    assert len(marked) > 25
    assert [row for row in marked if row[2]] == []
    assert sum(row[3] is not None for row in marked) >= 5


def test_counts_with_and_without_are_all_answers(company: Company) -> None:
    """Each answer is on one side for each type."""
    answers = dict(company.rows("select kind, count(*) from truth.survey_answer group by 1"))
    rows = company.rows(
        """
        select scope, touchpoint_type, with_count + without_count from touchpoint_effect
        where measure = 'satisfaction'
        """
    )
    assert {scope for scope, *_ in rows} >= set(answers)
    assert [row for row in rows if row[0] in ("nps", "ces") and row[2] != answers[row[0]]] == []
