"""The only SQL on drift.db: per table family one module, first what writes, then what reads.

A function that writes takes `tx`, the writer's connection inside a transaction that the caller opened and will
commit. A function that reads takes `db`, a connection that holds one snapshot. No module here opens, commits or
closes anything, and none reads source text.

The writes of one scan, in this order: files, functions, calls, entry_points, data, environment, problems,
suppressions, patterns, packages, then `functions.mark_roles`, `files.recount`, `scans.finish`, `audit.record`,
`retention.apply` and, last, `status.refresh`.

Of what other scanners know, a table that is pointed to comes before those that point to it: contracts before their
frontends, constants before their usages and `constants.recount`, genes before mutations, patterns before variants,
examples and history. What people say (`conventions.judge`, `contracts.judge`, `constraints.state`, …) comes at any
time.
"""
