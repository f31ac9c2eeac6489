"""Two tenants to try the dashboard with: `python -m host_dashboard.seed PASSWORD`."""

from __future__ import annotations

import sys
from datetime import date

from host_dashboard import tables
from host_dashboard.people import hashed
from host_dashboard.tables import Order, Person, Tenant


def seed(password: str) -> None:
    """Harbour Café with a manager and a viewer, and Mill Bakery with a manager."""
    with tables.session() as session:
        session.add_all([Tenant(id="harbour-cafe", name="Harbour Café"), Tenant(id="mill-bakery", name="Mill Bakery")])
        session.commit()
        for email, role, tenant in (
            ("maria@harbour.example", "manager", "harbour-cafe"),
            ("vic@harbour.example", "viewer", "harbour-cafe"),
            ("mo@mill.example", "manager", "mill-bakery"),
        ):
            session.add(Person(email=email, password=hashed(password), role=role, tenant=tenant))
        session.add(Order(tenant="harbour-cafe", item="House blend, 1 kg", quantity=12, placed=date(2026, 3, 2)))
        session.add(Order(tenant="mill-bakery", item="Decaf, 250 g", quantity=40, placed=date(2026, 3, 5)))
        session.commit()


if __name__ == "__main__":
    seed(sys.argv[1])
