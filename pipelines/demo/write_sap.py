"""ERP: customers, orders, document flow, deliveries and paid invoices as SAP tables leave the house.

Times are the company's wall clock without zone. Quirks of the real files are kept: keys with leading zeros, a single
blank for an empty field and 00000000 for no date in the document flow, lower-case headers elsewhere. Danes pay in DKK.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.behaviour import Behaviour
from pipelines.demo.company import DAY, END
from pipelines.demo.people import People
from pipelines.demo.sink import Broken, Sink, choose, in_window, layout, local, repeated_count, utc
from pipelines.demo.truth import Truth

DKK_PER_EUR = 7.46
_FIVETRAN = "2026-04-01 02:10:00"


def national_phone(number: pl.Expr) -> pl.Expr:
    """Dutch mobile numbers the way Dutch people write them, others with blanks behind the country code."""
    return (
        pl.when(number.str.starts_with("+316"))
        .then(pl.concat_str(pl.lit("06-"), number.str.slice(4)))
        .otherwise(
            pl.concat_str(number.str.slice(0, 3), pl.lit(" "), number.str.slice(3, 2), pl.lit(" "), number.str.slice(5))
        )
    )


def order_reference(number: pl.Expr) -> pl.Expr:
    """Web order number, as the shop prints it and as the ERP keeps it (`bstnk`)."""
    return pl.concat_str(pl.lit("FP-"), (number + 500_000).cast(pl.String))


def sap_orders(people: People, behaviour: Behaviour) -> pl.DataFrame:
    """Orders with the customer and document numbers of the ERP."""
    f = people.frame
    number = pl.col("number")
    person = behaviour.order["person"].cast(pl.UInt32)
    return behaviour.order.with_columns(
        kunnr=pl.concat_str(pl.lit("0000"), f["customer_number"].gather(person)),
        country=f["country"].gather(person),
        phone=f["mobile"].gather(person),
        vbeln=(number + 19_000).cast(pl.String).str.zfill(10),
        delivery=(number + 80_018_000).cast(pl.String).str.zfill(10),
        goods=(number + 4_900_005_000).cast(pl.String),
        invoice=(number + 90_040_000).cast(pl.String).str.zfill(10),
        returns=(number + 60_000_000).cast(pl.String).str.zfill(10),
        credit=(number + 91_000_000).cast(pl.String).str.zfill(10),
        material=choose([p.material for p in co.PRODUCTS], "product"),
        rate=pl.when(f["country"].gather(person) == "DK").then(DKK_PER_EUR).otherwise(1.0),
        currency=pl.when(f["country"].gather(person) == "DK").then(pl.lit("DKK")).otherwise(pl.lit("EUR")),
    )


def _money(value: pl.Expr) -> pl.Expr:
    return value.round(2).cast(pl.String)


def _flow(order: pl.DataFrame) -> pl.DataFrame:
    """Rows of VBFA with their time in `at`, in the order in which the ERP wrote them."""
    second = order.filter(pl.col("has_second"))
    blank = pl.lit(" ")

    def rows(
        frame: pl.DataFrame,
        at: str,
        before: str,
        kind_before: str,
        after: str,
        kind: str,
        position: str,
        value: pl.Expr,
        *,
        movement: str = " ",
        offset: int = 0,
        material: bool = False,
    ) -> pl.DataFrame:
        return frame.filter(pl.col(at) < END).select(
            at=pl.col(at) + offset,
            rank=pl.lit(f"{kind}{kind_before}{position}"),
            VBELV=pl.col(before),
            POSNV=pl.lit(position),
            VBELN=pl.col(after),
            POSNN=pl.lit(position if kind != "R" else "0000" + position[4:]),
            VBTYP_N=pl.lit(kind),
            VBTYP_V=pl.lit(kind_before),
            RFMNG=pl.lit("1.0"),
            MEINS=pl.lit("ST"),
            RFWRT=value if kind in "MOR" else pl.lit("0.0"),
            WAERS=pl.col("currency") if kind in "MOR" else blank,
            MATNR=pl.col("material") if material else blank,
            BWART=pl.lit(movement),
            AEDAT=pl.lit("00000000"),
            FKTYP=pl.lit("L") if kind in "MO" else blank,
        )

    first = _money(pl.col("price") * pl.col("rate"))
    other = _money(pl.col("second_price") * pl.col("rate"))
    total = pl.concat(
        [
            rows(order, "ship_at", "vbeln", "C", "delivery", "J", "000010", first, movement="601"),
            rows(second, "ship_at", "vbeln", "C", "delivery", "J", "000020", other, movement="601"),
            rows(order, "ship_at", "delivery", "J", "goods", "R", "000010", first, movement="601", material=True),
            rows(order, "invoice_at", "vbeln", "C", "invoice", "M", "000010", first),
            rows(second, "invoice_at", "vbeln", "C", "invoice", "M", "000020", other),
            rows(order, "invoice_at", "delivery", "J", "invoice", "M", "000010", first),
            rows(order, "return_at", "vbeln", "C", "returns", "H", "000010", first),
            rows(order, "credit_at", "returns", "H", "credit", "O", "000010", first),
        ]
    )
    return (
        total.filter(pl.col("at") < END)
        .sort("at", "VBELV", "rank")
        .with_columns(ERDAT=local("at", "%Y%m%d"), ERZET=local("at", "%H%M%S"))
    )


def write_sap(people: People, behaviour: Behaviour, sink: Sink, truth: Truth) -> None:
    """Write kna1, vbak, vbfa, likp and bsad of every night and note what they tell."""
    order = sap_orders(people, behaviour)
    flow = _flow(order)
    customers = _customers(people, order, behaviour.till)
    late = (0, 0)
    if sink.nights.count > 1:
        late = (sink.nights.cuts[0] - 6 * DAY, sink.nights.cuts[0] - 4 * DAY)
    flow_columns = layout("sap/vbfa")
    for night, cut in enumerate(sink.nights.cuts):
        since = sink.nights.since(night)
        window = sink.nights.window(night)
        known = customers.filter(pl.col("at") < cut)
        sink.csv("sap/kna1", night, known.drop("at"), repeated=repeated_count(known["at"], since), note="full table")

        placed = order.with_columns(
            changed=pl.when(pl.col("cancel_at") < cut).then("cancel_at").otherwise("at"),
            is_cancelled=pl.col("cancel_at") < cut,
        )
        overlap = in_window(placed, "changed", sink.nights.window(night, overlap_days=1))
        sink.csv(
            "sap/vbak",
            night,
            _headers(overlap),
            repeated=repeated_count(overlap["changed"], since),
            broken=_broken_orders() if night == 0 else (),
            note="changed rows, one day overlap",
        )

        moved = in_window(flow, "at", window)
        is_late = (pl.col("at") >= late[0]) & (pl.col("at") < late[1])
        sink.csv("sap/vbfa", night, moved.filter(~is_late).select(flow_columns), note="new rows")
        if night == 1:
            held = flow.filter(is_late).select(flow_columns)
            sink.csv("sap/vbfa", 1, held, name="vbfa_late.csv", note="late: two days that belong to night 1")

        shipped = order.filter(pl.col("ship_at") < cut).with_columns(
            changed=pl.when(pl.col("deliver_at") < cut).then("deliver_at").otherwise("ship_at"),
        )
        shipped = in_window(shipped, "changed", window)
        has_pod = pl.col("deliver_at") < cut
        sink.csv(
            "sap/likp",
            night,
            shipped.select(
                vbeln="delivery",
                kunnr="kunnr",
                erdat=local("ship_at", "%Y%m%d"),
                erzet=local("ship_at", "%H%M%S"),
                # Promised with the order: four days after it.
                lfdat=local(pl.col("at") + 4 * DAY, "%Y%m%d"),
                aedat=pl.when(has_pod)
                .then(local(pl.min_horizontal("deliver_at", END), "%Y%m%d"))
                .otherwise(pl.lit("00000000")),
                wadat_ist=local("ship_at", "%Y%m%d"),
                podat=pl.when(has_pod)
                .then(local(pl.min_horizontal("deliver_at", END), "%Y%m%d"))
                .otherwise(pl.lit("00000000")),
                potim=pl.when(has_pod)
                .then(local(pl.min_horizontal("deliver_at", END), "%H%M%S"))
                .otherwise(pl.lit("000000")),
            ),
            note="changed rows: proof of delivery comes later",
        )

        paid = in_window(order, "paid_at", window).sort("paid_at", "number")
        sink.csv("sap/bsad", night, _paid(paid), note="new rows")

    truth.touchpoint(order, "order_placed", "sap/vbak")
    truth.touchpoint(order, "order_shipped", "sap/vbfa", "ship_at")
    truth.touchpoint(order, "invoice_sent", "sap/vbfa", "invoice_at")
    truth.touchpoint(order, "return_requested", "sap/vbfa", "return_at")
    truth.touchpoint(order, "credit_note", "sap/vbfa", "credit_at")
    truth.touchpoint(order, "order_delivered", "sap/likp", "deliver_at")
    # A date only: the truth keeps midnight of that date (precision day).
    midnight = order.filter(pl.col("paid_at") < END).with_columns(paid_at=pl.col("paid_at") // DAY * DAY)
    truth.touchpoint(midnight, "invoice_paid", "sap/bsad", "paid_at")


def _customers(people: People, order: pl.DataFrame, till: pl.DataFrame) -> pl.DataFrame:
    """Customer master: everybody who ordered or gave a name at the till, from the first purchase on."""
    bought = pl.concat([order.select("person", "at"), till.filter("is_named").select("person", "at")])
    first = bought.group_by("person").agg(pl.col("at").min()).sort("person")
    f = people.frame[first["person"].cast(pl.UInt32)]
    upper = pl.concat_str("family_name", pl.lit(", "), "given_name")
    zero = pl.lit("00000000")
    return f.with_columns(at=first["at"]).select(
        "at",
        kunnr=pl.concat_str(pl.lit("0000"), "customer_number"),
        mandt=pl.lit("360"),
        land1="country",
        # The ERP clerk types the family name first and cuts at 35 characters.
        name1=upper.str.slice(0, 35),
        ort01="city",
        pstlz="postal_code",
        sortl=pl.col("last_name").str.to_uppercase().str.slice(0, 10),
        stras=pl.concat_str("street", pl.lit(" "), "house_number"),
        telf1=national_phone(pl.col("mobile")),
        telf2=pl.col("landline"),
        adrnr=(pl.col("person") + 620_000).cast(pl.String).str.zfill(10),
        mcod1=upper.str.to_uppercase().str.slice(0, 25),
        mcod3=pl.col("city").str.to_uppercase(),
        erdat=local("at", "%Y%m%d"),
        ernam=pl.lit("WEBSHOP"),
        ktokd=pl.lit("KUNA"),
        spras=pl.when(pl.col("country") == "DK").then(pl.lit("K")).otherwise(pl.lit("N")),
        stkzn=pl.lit("X"),
        umsat=pl.lit("0.00"),
        umjah=pl.lit("0000"),
        civve=pl.lit("X"),
        updat=zero,
        uptim=pl.lit("000000"),
        rgdate=zero,
        rnedate=zero,
        _fivetran_rowid=(pl.col("person") + 1).cast(pl.String),
        _fivetran_deleted=pl.lit("FALSE"),
        _fivetran_synced=pl.lit(_FIVETRAN),
    )


def _headers(order: pl.DataFrame) -> pl.DataFrame:
    return order.select(
        mandt=pl.lit("360"),
        vbeln="vbeln",
        auart=pl.lit("TA"),
        ktext=pl.when("is_phone").then(pl.lit("Telephone order")).otherwise(pl.lit("Web order")),
        kunnr="kunnr",
        augru=pl.when("is_cancelled").then(pl.lit("Z09")).otherwise(None),
        spart=pl.lit("00"),
        erzet=local("at", "%H:%M:%S"),
        vdatu=local(pl.col("at") + 4 * DAY, "%Y-%m-%d"),
        ernam=pl.when("is_phone").then(pl.lit("FREJA")).otherwise(pl.lit("WEBSHOP")),
        netwr=(pl.col("amount") * pl.col("rate"))
        .round(2)
        .map_batches(lambda s: pl.Series(np.char.mod("%.2f", s.to_numpy())), return_dtype=pl.String),
        bstnk=pl.when("is_phone").then(None).otherwise(order_reference(pl.col("number"))),
        lifsk=pl.when(pl.col("is_delayed")).then(pl.lit("Z1")).otherwise(None),
        aedat=pl.when("is_cancelled").then(local(pl.min_horizontal("cancel_at", END), "%Y-%m-%d")).otherwise(None),
        vkorg=pl.concat_str("country", pl.lit("01")),
        audat=local("at", "%Y-%m-%d"),
        vtweg=pl.when("is_phone").then(pl.lit("20")).otherwise(pl.lit("10")),
        telf1=national_phone(pl.col("phone")),
        erdat=local("at", "%Y-%m-%d"),
        vbtyp=pl.lit("C"),
        waerk="currency",
        _fivetran_deleted=pl.lit("false"),
        _fivetran_synced=pl.lit(_FIVETRAN),
    )


def _broken_orders() -> list[Broken]:
    columns = layout("sap/vbak")

    def record(**values: str) -> bytes:
        base = {
            "mandt": "360",
            "auart": "TA",
            "erzet": "10:15:00",
            "netwr": "99.00",
            "waerk": "EUR",
            "vbtyp": "C",
            "kunnr": "0000100001",
            "erdat": "2026-01-15",
            "audat": "2026-01-15",
            "_fivetran_deleted": "false",
        }
        return ",".join((base | values).get(c, "") for c in columns).encode()

    return [
        Broken(record(vbeln="0000999901", erdat="2026-13-32"), "invalid_date", "erdat", "2026-13-32"),
        Broken(record(vbeln="0000999902", erdat="2026-02-30"), "invalid_date", "erdat", "2026-02-30"),
        Broken(b"360,0000999903,TA,Web or", "truncated_line", "", ""),
    ]


def _paid(order: pl.DataFrame) -> pl.DataFrame:
    amount = pl.col("amount") * pl.col("rate")
    text = amount.round(2).map_batches(lambda s: pl.Series(np.char.mod("%.2f", s.to_numpy())), return_dtype=pl.String)
    return order.select(
        _fivetran_deleted=pl.lit("false"),
        _fivetran_synced=pl.lit(_FIVETRAN),
        augbl=(pl.col("number") + 1_400_000_000).cast(pl.String),
        augdt=local("paid_at", "%Y%m%d"),
        belnr="invoice",
        blart=pl.lit("RV"),
        bldat=local("invoice_at", "%Y%m%d"),
        budat=local("invoice_at", "%Y%m%d"),
        bukrs=pl.lit("1000"),
        buzei=pl.lit("001"),
        dmbtr=text,
        gjahr=utc("invoice_at", "%Y"),
        kunnr="kunnr",
        mandt=pl.lit("360"),
        shkzg=pl.lit("S"),
        vbeln="invoice",
        waers="currency",
        zbd1t=pl.lit("14"),
        zfbdt=local("invoice_at", "%Y%m%d"),
        wrbtr=text,
    )
