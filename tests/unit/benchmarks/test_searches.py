"""Reading slapd's stats log: what was asked, how often, how much came back."""

from __future__ import annotations

from benchmarks.searches import Question, traffic

BASE = "dc=example,dc=com"
LOG = f"""\
6740 conn=1001 op=0 BIND dn="cn=reader,{BASE}" mech=SIMPLE ssf=0
6740 conn=1001 op=1 SRCH base="" scope=0 deref=0 filter="(objectClass=*)"
6740 conn=1001 op=1 SRCH attr=supportedControl
6740 conn=1001 op=1 SEARCH RESULT tag=101 err=0 qtime=0.000010 etime=0.000080 nentries=1 text=
6740 conn=1001 op=2 SRCH base="{BASE}" scope=2 deref=0 filter="(objectClass=inetOrgPerson)"
6740 conn=1001 op=2 SRCH attr=uid mail
6740 conn=1001 op=2 SRCH attr=cn
6740 conn=1001 op=2 SEARCH RESULT tag=101 err=0 qtime=0.000010 etime=0.000080 nentries=1000 text=
6740 conn=1001 op=3 SRCH base="{BASE}" scope=2 deref=0 filter="(objectClass=inetOrgPerson)"
6740 conn=1001 op=3 SRCH attr=uid mail
6740 conn=1001 op=3 SRCH attr=cn
6740 conn=1001 op=3 SEARCH RESULT tag=101 err=0 qtime=0.000010 etime=0.000080 nentries=20 text=
6740 conn=1001 op=4 SRCH base="ou=groups,{BASE}" scope=2 deref=0 filter="(|(objectClass=groupOfNames)(cn=a"b))"
6740 conn=1001 op=4 SEARCH RESULT tag=101 err=0 qtime=0.000010 etime=0.000080 nentries=7 text=
6740 conn=1001 op=5 UNBIND
""".splitlines()


def test_every_page_is_a_request_and_every_entry_counts() -> None:
    """Four requests, two of them pages of one search; all entries that were sent."""
    found = traffic(LOG)
    assert (found.requests, found.entries) == (4, 1_028)


def test_pages_of_one_search_are_one_question_and_base_reads_are_none() -> None:
    """The attributes of several lines belong together; what ldapsearch is to repeat are the subtree searches."""
    assert traffic(LOG).questions == (
        Question(BASE, "(objectClass=inetOrgPerson)", ("cn", "mail", "uid")),
        Question(f"ou=groups,{BASE}", '(|(objectClass=groupOfNames)(cn=a"b))', ()),
    )


def test_an_empty_log_holds_nothing() -> None:
    """Nobody asked."""
    found = traffic([])
    assert (found.requests, found.entries, found.questions) == (0, 0, ())
