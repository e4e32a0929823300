"""The assets of a night, made from the catalog of sources, the contracts and the SQL models.

Belongs here: one factory per kind of asset. Does not belong here: jobs, schedules and sensors (`pipelines/definitions.py`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import dagster as dg

from models.contract import Contract, load_contracts
from pipelines.assets import describe
from pipelines.assets.resource import NightResource
from pipelines.lineage import mapping_lineage
from pipelines.model_files import Model, load_models
from pipelines.night.run import Night
from sources.spec import ExportSpec, SourceCatalog

REGISTRY = dg.AssetKey("seen_file")
IDENTITY = dg.AssetKey("identifier_customer")
SWITCH = dg.AssetKey(["release", "switch"])
PARQUET = dg.AssetKey(["release", "parquet"])
REPORT = dg.AssetKey(["release", "report"])
OWNER = "team:data"
# A release is expected between the night's start and six in the morning.
RELEASE_WINDOW = dt.timedelta(hours=5)


def source_key(spec: ExportSpec) -> dg.AssetKey:
    """Asset key of an export."""
    return dg.AssetKey(["source", spec.system, spec.export])


def owner_of(spec: ExportSpec) -> str:
    """A spec's owner as Dagster wants it: an e-mail address, or `team:` and a name."""
    if not spec.owner:
        return OWNER
    if "@" in spec.owner or spec.owner.startswith("team:"):
        return spec.owner
    return "team:" + re.sub(r"[^a-z0-9]+", "_", spec.owner.lower()).strip("_")


def count(number: int, one: str, many: str | None = None) -> str:
    """`1,234 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def registry_asset() -> dg.AssetsDefinition:
    """Step 1: which files are there."""

    @dg.asset(
        key=REGISTRY,
        group_name="registry",
        description="Every file ever found in the export folders: content hash, what it was recognised as, and how it is read.",
        owners=[OWNER],
        kinds={"duckdb"},
        tags={"layer": "registry"},
        metadata=table_metadata(load_contracts()["export_file"]),
    )
    def seen_file(night: NightResource) -> dg.MaterializeResult:
        files = 0

        def work() -> str:
            nonlocal files
            files = night.night.register()
            return count(files, "file")

        night.night.step("seen_file", work)
        return dg.MaterializeResult(metadata={"files": files})

    return seen_file


def source_asset(spec: ExportSpec, catalog: SourceCatalog) -> dg.AssetsDefinition:
    """Steps 2 to 5 for one export."""
    lookups = [source_key(catalog.exports[f"{spec.system}.{name}"]) for name in spec.lookups]
    columns = [
        dg.TableColumn(name=name, type=column.type, description=f"Column of the export, read as {column.type}.")
        for name, column in spec.columns.items()
    ]

    @dg.asset(
        key=source_key(spec),
        group_name="sources",
        deps=[REGISTRY, *lookups],
        description=f"{spec.description} Feeds {spec.feeds}.",
        owners=[owner_of(spec)],
        kinds={"duckdb", spec.read.format[0]},
        tags={"layer": "source", "system": spec.system, "feeds": spec.feeds},
        code_version=spec.spec_hash,
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
    )
    def source(night: NightResource) -> dg.MaterializeResult:
        result = None

        def work() -> str:
            nonlocal result
            result = night.night.ingest(spec.name)
            text = f"{count(result.file_count, 'new file')}, {count(result.row_count, 'row')}"
            return text + (f", {result.quarantined_row_count:,} quarantined" if result.quarantined_row_count else "")

        night.night.source_step(spec.name, work)
        assert result is not None
        return dg.MaterializeResult(
            metadata={
                "new_files": result.file_count,
                "dagster/row_count": result.row_count,
                "mapped_rows": result.mapped_row_count,
                "quarantined_rows": result.quarantined_row_count,
            }
        )

    return source


def canonical_asset(table: str, key: dg.AssetKey, catalog: SourceCatalog, checked: bool) -> dg.AssetsDefinition:
    """Step 6 for one canonical table."""
    contract = load_contracts()[table]
    feeding = [spec for spec in catalog.exports.values() if spec.feeds == table]
    deps = [source_key(spec) for spec in feeding] or [REGISTRY]
    # Two exports may join the same lookup: each (export, column) once.
    traced: dict[str, set[tuple[str, str]]] = {}
    for spec in feeding:
        for column, pairs in mapping_lineage(spec, catalog).items():
            if column in contract.column_names:
                traced.setdefault(column, set()).update(pairs)
    lineage = dg.TableColumnLineage(
        deps_by_column={
            name: [dg.TableColumnDep(source_key(catalog.exports[export]), column) for export, column in sorted(pairs)]
            for name, pairs in traced.items()
        }
    )

    @dg.asset(
        key=key,
        group_name="canonical",
        deps=deps,
        description=contract.description
        + (" Tonight's new, changed and removed rows." if key.path[0] == "canonical" else ""),
        owners=[contract.owner],
        kinds={"duckdb"},
        tags={"layer": "canonical"},
        metadata={**table_metadata(contract), "dagster/column_lineage": lineage},
        check_specs=describe.check_specs(table, key) if checked else None,
    )
    def canonical(night: NightResource) -> dg.MaterializeResult:
        new = removed = 0

        def work() -> str:
            nonlocal new, removed
            new, removed = night.night.collect(table)
            return f"{count(new, 'row')} new or changed" + (f", {removed:,} removed" if removed else "")

        night.night.step("/".join(key.path), work)
        return dg.MaterializeResult(
            metadata={"new_or_changed_rows": new, "removed_rows": removed},
            check_results=describe.check_results(night.night.check(table), key) if checked else [],
        )

    return canonical


def identity_asset() -> dg.AssetsDefinition:
    """Step 7: who is who."""

    @dg.asset(
        key=IDENTITY,
        group_name="identity",
        deps=[
            dg.AssetKey(["canonical", "touchpoint"]),
            dg.AssetKey(["canonical", "party_record"]),
            dg.AssetKey("identifier_link"),
        ],
        description="The customer of every identifier: components of identifiers that occur together, guarded against "
        "shared ones; and which customers tonight's changes affect.",
        owners=[OWNER],
        kinds={"duckdb", "python"},
        tags={"layer": "identity"},
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(
                        "identifier_code", "INTEGER", "Number of a distinct normalised identifier (internal)."
                    ),
                    dg.TableColumn("customer_id", "BIGINT", "Customer the identifier belongs to."),
                    dg.TableColumn("is_guarded", "BOOLEAN", "True when it is shared or blocked and links nobody."),
                    dg.TableColumn("guard_reason", "VARCHAR", "Why it is guarded."),
                ]
            ),
            "dagster/column_lineage": dg.TableColumnLineage(
                deps_by_column={
                    "customer_id": [
                        dg.TableColumnDep(dg.AssetKey(["canonical", "touchpoint"]), "identifiers"),
                        dg.TableColumnDep(dg.AssetKey(["canonical", "party_record"]), "identifiers"),
                        dg.TableColumnDep(dg.AssetKey("identifier_link"), "left_value"),
                        dg.TableColumnDep(dg.AssetKey("identifier_link"), "right_value"),
                    ]
                }
            ),
        },
    )
    def identifier_customer(night: NightResource) -> dg.MaterializeResult:
        customers = affected = 0

        def work() -> str:
            nonlocal customers, affected
            customers, affected = night.night.identify()
            return f"{count(customers, 'customer')}, {affected:,} affected"

        night.night.step("identifier_customer", work)
        return dg.MaterializeResult(metadata={"customers": customers, "affected_customers": affected})

    return identifier_customer


def model_asset(model: Model) -> dg.AssetsDefinition:
    """Steps 8 and 9: one SQL model with its checks."""
    contract = load_contracts()[model.name]
    key = dg.AssetKey(model.name)
    deps = {found for relation in model.reads if (found := describe.asset_key(relation)) is not None}

    @dg.asset(
        key=key,
        group_name=model.layer,
        deps=sorted(deps | {IDENTITY}),
        description=f"{contract.description} Grain: {contract.grain}.",
        owners=[contract.owner],
        kinds={"duckdb", "sql"} | ({"python"} if model.finish else set()),
        tags={"layer": model.layer, "kind": model.kind},
        code_version=model.own_hash(),
        metadata={
            **table_metadata(contract),
            "dagster/column_lineage": describe.column_lineage(model),
            "select": dg.MetadataValue.md(f"```sql\n{model.text}\n```"),
        },
        check_specs=describe.check_specs(model.name, key),
    )
    def table(night: NightResource) -> dg.MaterializeResult:
        result = None

        def work() -> str:
            nonlocal result
            result = night.night.build(model.name)
            how = "all" if result.is_full else "affected"
            return f"{count(result.row_count, 'row')}, {result.written_count:,} written ({how})"

        night.night.step(model.name, work)
        assert result is not None
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": result.row_count,
                "written_rows": result.written_count,
                "full": result.is_full,
            },
            check_results=describe.check_results(night.night.check(model.name), key),
        )

    return table


def book_asset(name: str, deps: list[dg.AssetKey], write: Callable[[Night], None]) -> dg.AssetsDefinition:
    """One of the books of the night."""
    contract = load_contracts()[name]
    key = dg.AssetKey(name)
    traced: dict[str, dg.TableColumnDep] = {
        column: dg.TableColumnDep(REGISTRY, column)
        for column in ("file_id", "source_export", "row_count")
        if column in contract.column_names
    }
    for table, counted in load_contracts().items():
        if name == "release" and f"{table}_count" in contract.column_names:
            traced[f"{table}_count"] = dg.TableColumnDep(dg.AssetKey(table), counted.column_names[0])
    lineage = dg.TableColumnLineage(deps_by_column={column: [dep] for column, dep in traced.items()})

    @dg.asset(
        key=key,
        group_name="books",
        deps=deps,
        description=f"{contract.description} Grain: {contract.grain}.",
        owners=[contract.owner],
        kinds={"duckdb"},
        tags={"layer": "books"},
        metadata={**table_metadata(contract), "dagster/column_lineage": lineage},
        check_specs=describe.check_specs(name, key),
    )
    def book(night: NightResource) -> dg.MaterializeResult:
        rows = 0

        def work() -> str:
            nonlocal rows
            write(night.night)
            rows = int(night.night.session.value(f"select count(*) from work.main.{name}") or 0)
            return count(rows, "row")

        night.night.step(name, work)
        return dg.MaterializeResult(
            metadata={"dagster/row_count": rows},
            check_results=describe.check_results(night.night.check(name), key),
        )

    return book


def release_assets(published: list[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """Step 10: Parquet files, the report and the switch."""

    @dg.asset(
        key=PARQUET,
        group_name="release",
        deps=[*published, dg.AssetKey("release")],
        description="The published tables as Parquet, one folder a table, large ones by month; unchanged months are hard links.",
        owners=[OWNER],
        kinds={"parquet"},
        tags={"layer": "release"},
    )
    def parquet(night: NightResource) -> dg.MaterializeResult:
        counts: dict[str, int] = {}

        def work() -> str:
            counts.update(night.night.publish_parquet())
            return f"{count(counts['written'], 'file')} written, {counts['linked']:,} linked"

        night.night.step("release/parquet", work)
        return dg.MaterializeResult(metadata=dict(counts))

    @dg.asset(
        key=REPORT,
        group_name="release",
        deps=[*published, dg.AssetKey("release")],
        description="The report: static pages in English, Dutch and Danish that open from disk.",
        owners=[OWNER],
        kinds={"html"},
        tags={"layer": "release"},
    )
    def report(night: NightResource) -> dg.MaterializeResult:
        pages = 0

        def work() -> str:
            nonlocal pages
            pages = night.night.write_report()
            return count(pages, "page")

        night.night.step("release/report", work)
        return dg.MaterializeResult(metadata={"pages": pages})

    @dg.asset(
        key=SWITCH,
        group_name="release",
        deps=[PARQUET, REPORT],
        description="The release that analysts and BI tools see: DuckDB file, Parquet and release.json, switched to together.",
        owners=[OWNER],
        kinds={"duckdb", "parquet"},
        tags={"layer": "release"},
        freshness_policy=dg.FreshnessPolicy.cron(
            deadline_cron="0 6 * * *", lower_bound_delta=RELEASE_WINDOW, timezone="UTC"
        ),
    )
    def switch(night: NightResource) -> dg.MaterializeResult:
        name = ""

        def work() -> str:
            nonlocal name
            name = night.night.switch().release_id
            return f"current is {name}"

        night.night.step("release/switch", work)
        return dg.MaterializeResult(metadata={"release": name})

    return [parquet, report, switch]


def table_metadata(contract: Contract) -> dict[str, dg.TableSchema | str]:
    """Definition metadata of a table."""
    return {"dagster/column_schema": describe.column_schema(contract), "dagster/table_name": contract.table}


def all_assets(catalog: SourceCatalog) -> list[dg.AssetsDefinition]:
    """Every asset of the night."""
    specs = list(catalog.exports.values())
    sources = [source_key(spec) for spec in specs]
    models = list(load_models().values())
    canonical_keys = {
        "touchpoint": dg.AssetKey(["canonical", "touchpoint"]),
        "party_record": dg.AssetKey(["canonical", "party_record"]),
        "channel_cost": dg.AssetKey("channel_cost"),
        "identifier_link": dg.AssetKey("identifier_link"),
    }
    # A mapping may put rows into quarantine until the last canonical table is settled.
    settled = [*sources, *canonical_keys.values()]
    model_keys = [dg.AssetKey(model.name) for model in models]
    books = [
        book_asset("quarantine", settled, lambda night: night.write_book("quarantine")),
        book_asset("export_file", settled, lambda night: night.write_book("export_file")),
        book_asset("reconciliation", settled, lambda night: night.write_book("reconciliation")),
        # Written while identities are resolved; here it is looked at and published.
        book_asset("customer_id_history", [IDENTITY], lambda night: None),
        book_asset(
            "identity_event", [dg.AssetKey("customer_id_history")], lambda night: night.write_book("identity_event")
        ),
    ]
    book_keys = [key for book in books for key in book.keys]
    release = book_asset("release", [*model_keys, *book_keys], lambda night: night.write_release_table())
    return [
        registry_asset(),
        *(source_asset(spec, catalog) for spec in specs),
        *(
            canonical_asset(table, key, catalog, checked=key.path[0] != "canonical")
            for table, key in canonical_keys.items()
        ),
        identity_asset(),
        *(model_asset(model) for model in models),
        *books,
        release,
        *release_assets([*model_keys, *book_keys, dg.AssetKey("channel_cost"), dg.AssetKey("identifier_link")]),
    ]
