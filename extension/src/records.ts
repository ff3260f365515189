// Generated from mlnb's Python records by 'npm run codegen'. Do not edit.

/**
 * All that goes between the browser and the server extension.
 */
export interface Wire {
change: Change
problem: Problem
routes: {
/**
 * Say which project is shown and where its files are in the file browser.
 */
"GET /project": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
}
answer: Place
}
/**
 * Say what has changed after a revision; for who may have missed what was pushed.
 */
"GET /changes": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
seen?: number
}
answer: News
}
/**
 * List runs, the latest first; ordered by started, name, status, duration or metrics.NAME.
 */
"GET /runs": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
query?: string
order?: string
offset?: number
limit?: number
}
answer: RunList
}
/**
 * List the newest version of every dataset; ordered by name, created, rows or bytes.
 */
"GET /datasets": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
query?: string
order?: string
offset?: number
limit?: number
}
answer: DatasetList
}
/**
 * List the newest version of every model, and its champion; ordered by name or created.
 */
"GET /models": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
query?: string
order?: string
offset?: number
limit?: number
}
answer: ModelList
}
/**
 * List endpoints and what they are doing now; ordered by name, status or requests.
 */
"GET /endpoints": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
query?: string
order?: string
offset?: number
limit?: number
}
answer: EndpointList
}
/**
 * List pipeline runs, the latest first; ordered by started, name, status or duration.
 */
"GET /pipelines": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
query?: string
order?: string
offset?: number
limit?: number
}
answer: PipelineList
}
/**
 * Return one run with what it ran on, its files and its relatives.
 */
"GET /runs/{run}": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string
}
answer: RunDetail
}
/**
 * Return how a run's metrics went, thinned out; with ``after`` only what is new.
 */
"GET /runs/{run}/history": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string
metric?: string[]
after?: number
}
answer: RunHistory
}
/**
 * Return the packages that a run had.
 */
"GET /runs/{run}/packages": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string
}
answer: Packages
}
/**
 * Return the beginning of a file of a run, if it is text.
 */
"GET /runs/{run}/text": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string
path: string
}
answer: TextFile
}
/**
 * Return an image that a run has kept.
 */
"GET /runs/{run}/image": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string
path: string
}
/**
 * What the media type says; no JSON.
 */
answer: string
}
/**
 * Return runs side by side; closely with their packages and code, but without curves.
 */
"GET /compare": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string[]
closely?: boolean
}
answer: RunComparison
}
/**
 * Return how some metrics went in several runs.
 */
"GET /compare/curves": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string[]
metric: string[]
}
answer: RunCurves
}
/**
 * Return a version of a dataset, a profile of its columns or a summary of its files.
 */
"GET /datasets/{dataset}": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
dataset: string
version?: string
skip?: number
}
answer: DatasetDocument
}
/**
 * Return versions of a dataset, newest first; ``before`` asks for older ones.
 */
"GET /datasets/{dataset}/versions": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
dataset: string
before?: number
limit?: number
}
answer: VersionList
}
/**
 * Return what changed from one version to another: columns, rows, cells or files.
 */
"GET /datasets/{dataset}/difference": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
dataset: string
before: string
after: string
key?: string[]
}
answer: DatasetDifference
}
/**
 * Show a model's versions, and how its aliases were moved.
 */
"GET /models/{name}": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
name: string
}
answer: ModelDocument
}
/**
 * Show one version of a model: run, data, verdicts, releases and card.
 */
"GET /models/{name}/versions/{number}": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
name: string
number: number
}
answer: ModelVersionDocument
}
/**
 * Show an endpoint: status, history, alerts, drift, and how to ask it.
 */
"GET /endpoints/{name}": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
name: string
}
answer: EndpointDocument
}
/**
 * Show what an endpoint does now: requests, latency and errors of each release.
 */
"GET /endpoints/{name}/live": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
name: string
after?: number
}
answer: EndpointLive
}
/**
 * Show the last lines that an endpoint's processes wrote.
 */
"GET /endpoints/{name}/log": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
name: string
lines?: number
}
answer: EndpointLog
}
/**
 * Show the rows that an endpoint answered last.
 */
"GET /endpoints/{name}/predictions": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
name: string
rows?: number
}
answer: RecentPredictions
}
/**
 * Follow the lineage of a dataset, run, model or endpoint.
 */
"GET /lineage": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
kind: string
ref: string
up?: number
down?: number
unfold?: string[]
}
answer: LineageGraph
}
/**
 * List the latest background jobs.
 */
"GET /jobs": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
}
answer: Jobs
}
/**
 * Run a line of the grammar in a process of its own, which outlives the server.
 */
"POST /jobs": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
body: NewJob
}
answer: Job
}
/**
 * Return a job, and what it has said after a byte: the end of what would be too much.
 */
"GET /jobs/{job}": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
job: string
after?: number
}
answer: JobOutput
}
/**
 * Ask a job to end, and make sure that it does.
 */
"DELETE /jobs/{job}": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
job: string
}
answer: Job
}
/**
 * List the project's pipeline files, and the latest runs of all pipelines.
 */
"GET /definitions": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
}
answer: Definitions
}
/**
 * Return a pipeline file, and what a run of it would do: with parameters, as JSON.
 */
"GET /definitions/plan": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
path: string
parameters?: string
}
answer: DefinitionDocument
}
/**
 * Return one run of a pipeline, of this machine or any other with the same store.
 */
"GET /pipelines/{run}": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string
}
answer: PipelineDocument
}
/**
 * Return the end of what a step has shown so far.
 */
"GET /pipelines/{run}/log": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string
step: string
}
answer: StepLog
}
/**
 * Return a step's notebook as it was executed.
 */
"GET /pipelines/{run}/notebook": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string
step: string
}
answer: ExecutedNotebook
}
/**
 * Return a run's report, which is written when it ends.
 */
"GET /pipelines/{run}/report": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
run: string
}
answer: Page
}
/**
 * Return what a notebook's parameters cell declares, as a form; nothing is executed.
 */
"GET /notebooks/parameters": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
path: string
}
answer: ParameterForm
}
/**
 * Check values against the declared types, and write the line that runs the notebook.
 */
"POST /notebooks/line": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
body: HeadlessRun
}
answer: HeadlessLine
}
/**
 * Describe all routes, as an OpenAPI document.
 */
"GET /openapi.json": {
asked: {
/**
 * Of the file browser: whose project is meant.
 */
folder: string
}
/**
 * What the media type says; no JSON.
 */
answer: string
}
}
stored?: (DatasetDiff | DatasetProfile | DatasetVersion | DriftReport | EndpointStatus | ModelVersion | MonitorReport | PipelineReading | PipelineRun | RunRecord | SuiteResult)
}
/**
 * What the server pushes: lists to fetch again; pipeline runs and jobs as they are now.
 */
export interface Change {
folder: string
sections: ("runs" | "datasets" | "models" | "endpoints" | "pipelines")[]
pipelines: PipelineProgress[]
jobs: Job[]
revision: number
}
/**
 * How far one pipeline run is.
 */
export interface PipelineProgress {
id: string
pipeline: string
status: ("PENDING" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED" | "SKIPPED")
started: string
ended: (string | null)
steps: StepProgress[]
parameters: {
[k: string]: unknown
}
workers: number
error: string
report: string
driver: (Driver | null)
updated: (string | null)
}
/**
 * How far one step is.
 */
export interface StepProgress {
name: string
status: ("PENDING" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED" | "SKIPPED")
notebook: string
needs: string[]
cells: number
cells_done: number
started: (string | null)
ended: (string | null)
attempt: number
error: string
cached_from: string
why: string
}
/**
 * The process that runs a pipeline.
 */
export interface Driver {
host: string
pid: number
started: number
}
/**
 * One line of the grammar, carried out in a process of its own.
 */
export interface Job {
id: string
line: string
status: ("PENDING" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED" | "SKIPPED")
started: string
ended: (string | null)
code: (number | null)
message: string
fix: string
author: string
said: number
last: string
}
/**
 * Why something could not be answered: an `MlnbError` as JSON.
 */
export interface Problem {
error: string
message: string
fix: string
}
/**
 * The project shown, and how its paths relate to the server's file browser.
 */
export interface Place {
name: string
prefix: string
within: string
reachable: boolean
}
/**
 * Which project a folder belongs to, and what has changed there.
 */
export interface News {
project: Place
change: Change
}
/**
 * Some of the runs that a query finds.
 */
export interface RunList {
items: RunSummary[]
offset: number
total: (number | null)
metrics: string[]
notice: string
}
/**
 * A run as one line of a list.
 */
export interface RunSummary {
id: string
name: string
experiment: string
status: ("PENDING" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED" | "SKIPPED")
started: string
ended: (string | null)
metrics: {
[k: string]: number
}
error: string
notebook: string
waiting: boolean
}
/**
 * Some of the datasets that a query finds.
 */
export interface DatasetList {
items: DatasetSummary[]
offset: number
total: number
}
/**
 * A dataset as one line of a list: its newest version.
 */
export interface DatasetSummary {
name: string
number: number
kind: ("table" | "files" | "link")
rows: number
columns: number
bytes: number
message: string
author: string
created: string
tags: string[]
}
/**
 * Some of the registered models' versions that a query finds.
 */
export interface ModelList {
items: ModelSummary[]
offset: number
total: number
}
/**
 * A model version as one line of a list.
 */
export interface ModelSummary {
name: string
number: number
aliases: string[]
created: string
description: string
gate: ("passed" | "refused" | "none")
metrics: {
[k: string]: number
}
}
/**
 * Some of the endpoints that a query finds, and what they are doing now.
 */
export interface EndpointList {
items: EndpointStatus[]
offset: number
total: number
}
/**
 * What an endpoint is doing now.
 */
export interface EndpointStatus {
name: string
status: ("running" | "starting" | "stopped" | "failed")
url: string
release: (number | null)
model: string
pid: (number | null)
since: (string | null)
requests: number
errors: number
detail: string
parts: EndpointPart[]
}
/**
 * One of the releases that an endpoint serves at the same time.
 */
export interface EndpointPart {
release: number
model: string
role: ("current" | "canary" | "shadow")
share: (number | null)
sticky_by: string
rules: string[]
workers: number
crashes: number
}
/**
 * Some of the pipeline runs that a query finds, and how far they are.
 */
export interface PipelineList {
items: PipelineProgress[]
offset: number
total: number
}
/**
 * One run, and what is known of where and on what it ran.
 */
export interface RunDetail {
run: RunRecord
facts: {
[k: string]: string
}
note: string
links: RunLink[]
parent: (RunName | null)
children: RunName[]
files: RunFile[]
more_files: number
}
/**
 * One tracked run, as read back from MLflow.
 */
export interface RunRecord {
id: string
name: string
experiment: string
status: ("PENDING" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED" | "SKIPPED")
started: string
ended: (string | null)
params: {
[k: string]: string
}
metrics: {
[k: string]: number
}
tags: {
[k: string]: string
}
inputs: string[]
outputs: string[]
error: string
notebook: string
git_commit: string
git_dirty: boolean
author: string
artifacts: string[]
waiting: boolean
}
/**
 * Something that a run has read or written.
 */
export interface RunLink {
direction: ("input" | "output")
kind: ("dataset" | "model" | "other")
ref: string
}
/**
 * A run that another one has to do with.
 */
export interface RunName {
id: string
name: string
status: ("PENDING" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED" | "SKIPPED")
}
/**
 * A file that a run has kept.
 */
export interface RunFile {
path: string
size: (number | null)
}
/**
 * How the metrics of a run went, or how they went on since the last look.
 */
export interface RunHistory {
run: RunRecord
whole: boolean
after: number
curves: RunCurve[]
}
/**
 * How a metric went, thinned out to what a picture can show.
 */
export interface RunCurve {
metric: string
points: number
steps: number[]
values: (number | null)[]
times: number[]
}
/**
 * The packages that a run had, and their versions.
 */
export interface Packages {
packages: ({
[k: string]: string
} | null)
}
/**
 * The beginning of a file.
 */
export interface TextFile {
path: string
size: number
text: (string | null)
cut: boolean
}
/**
 * Several runs side by side; the lists are in the order of ``runs``.
 * 
 * What is not the same in all runs comes first.
 */
export interface RunComparison {
runs: RunRecord[]
params: {
[k: string]: (string | null)[]
}
metrics: {
[k: string]: (number | null)[]
}
inputs: string[][]
different: string[]
facts: {
[k: string]: string[]
}
packages: {
[k: string]: (string | null)[]
}
packages_same: (number | null)
code: CodeDifference[]
curves: MetricCurve[]
}
/**
 * How the code of a run differs from the first one's.
 */
export interface CodeDifference {
run: number
lines: string[]
note: string
}
/**
 * How a metric went in one run; thinned out to what a picture can show.
 */
export interface MetricCurve {
metric: string
run: number
steps: number[]
values: (number | null)[]
}
/**
 * How metrics went in several runs.
 */
export interface RunCurves {
curves: MetricCurve[]
}
/**
 * A version of a dataset, what it holds, and where it stands among the others.
 */
export interface DatasetDocument {
version: DatasetVersion
columns: ColumnProfile[]
columns_total: number
sampled: (number | null)
source: {
[k: string]: string
}
notes: string[]
folder: (FolderSummary | null)
newest: number
total: number
tags: {
[k: string]: number
}
remote: boolean
}
/**
 * One immutable version of a dataset.
 */
export interface DatasetVersion {
name: string
number: number
digest: string
columns: Column[]
rows: number
bytes: number
parent: (number | null)
message: string
author: string
created: string
run: (string | null)
kind: ("table" | "files" | "link")
tags: string[]
unchanged: boolean
}
/**
 * One column of a table or of a model's input: its name and Arrow type.
 */
export interface Column {
name: string
type: string
}
/**
 * What one column holds.
 */
export interface ColumnProfile {
name: string
type: string
nulls: number
distinct: (number | null)
estimated: boolean
minimum: (number | string | boolean | null)
maximum: (number | string | boolean | null)
mean: (number | null)
deviation: (number | null)
quantiles: {
[k: string]: (number | string | boolean | null)
}
top: TopValue[]
histogram: (Histogram | null)
}
/**
 * A frequent value and how often it occurs.
 */
export interface TopValue {
value: string
count: number
}
/**
 * Counts between equally spaced edges; the last bin includes its right edge.
 */
export interface Histogram {
edges: number[]
counts: number[]
}
/**
 * A version of a folder and what is in it.
 */
export interface FolderSummary {
version: DatasetVersion
files: number
links: number
folders: number
size: number
types: FileType[]
largest: FileFacts[]
}
/**
 * The files with one suffix.
 */
export interface FileType {
suffix: string
files: number
size: number
}
/**
 * One file.
 */
export interface FileFacts {
path: string
size: number
}
/**
 * Versions of a dataset, the newest first.
 */
export interface VersionList {
versions: VersionLine[]
damaged: DamagedVersion[]
total: number
more: boolean
}
/**
 * A version in the list of all.
 */
export interface VersionLine {
number: number
rows: number
bytes: number
columns: number
parent: (number | null)
message: string
author: string
created: string
run: (string | null)
kind: ("table" | "files" | "link")
tags: string[]
}
/**
 * An entry of a log of versions that cannot be read.
 */
export interface DamagedVersion {
name: string
number: number
problem: string
}
/**
 * What changed between two versions: of a table or of a folder.
 */
export interface DatasetDifference {
table: (DatasetDiff | null)
folder: (FolderDiff | null)
notes: string[]
more_columns: number
more_files: number
}
/**
 * What changed from one version to another.
 */
export interface DatasetDiff {
before: DatasetVersion
after: DatasetVersion
identical: boolean
columns_added: Column[]
columns_removed: Column[]
columns_changed: ColumnChange[]
columns_renamed: ColumnChange[]
columns_reordered: boolean
compared: string[]
key: string[]
key_source: ("" | "given" | "recorded" | "detected")
rows_added: number
rows_removed: number
rows_changed: (number | null)
rows_kept: number
order_changed: boolean
cells_changed: (number | null)
columns: ColumnDifference[]
sample_columns: string[]
row_samples: RowSample[]
}
/**
 * A column whose type, or whose name, differs between two versions.
 */
export interface ColumnChange {
name: string
before: string
after: string
}
/**
 * What changed in one column that both versions have.
 */
export interface ColumnDifference {
name: string
type: string
cells: (number | null)
samples: CellSample[]
psi: (number | null)
before: (ColumnProfile | null)
after: (ColumnProfile | null)
}
/**
 * A cell whose value changed.
 */
export interface CellSample {
place: string
before: (string | null)
after: (string | null)
}
/**
 * A row that one version lacks, or that changed.
 */
export interface RowSample {
change: ("added" | "removed" | "changed")
row: number
values: (string | null)[]
}
/**
 * What changed from one version of a folder to another.
 */
export interface FolderDiff {
before: DatasetVersion
after: DatasetVersion
identical: boolean
added: FileChange[]
removed: FileChange[]
changed: FileChange[]
renamed: FileChange[]
kept: number
bytes_added: number
bytes_removed: number
}
/**
 * A file, link or empty folder that one version has otherwise than another, or not at all.
 */
export interface FileChange {
path: string
size_before: (number | null)
size_after: (number | null)
was: string
note: string
}
/**
 * A registered model.
 */
export interface ModelDocument {
name: string
versions: ModelVersion[]
changes: AliasChange[]
served: ModelServed[]
approvals: TypeApproval[]
}
/**
 * One version of a registered model.
 */
export interface ModelVersion {
name: string
number: number
digest: string
aliases: string[]
run: (string | null)
created: string
author: string
description: string
flavor: string
inputs: Column[]
metrics: {
[k: string]: number
}
data: string[]
gate: ("passed" | "refused" | "none")
}
/**
 * One entry of an alias's history: promotion or rollback.
 */
export interface AliasChange {
model: string
alias: string
number: number
previous: (number | null)
action: ("promote" | "rollback")
reason: string
author: string
created: string
}
/**
 * An endpoint that answers with a version of the model now.
 */
export interface ModelServed {
endpoint: string
number: number
role: string
}
/**
 * Types that a model may contain from now on.
 */
export interface TypeApproval {
model: string
types: string[]
reason: string
author: string
created: string
}
/**
 * One version of a model, and what was recorded about it.
 */
export interface ModelVersionDocument {
version: ModelVersion
run: (RunRecord | null)
training: DatasetVersion[]
verdicts: SuiteResult[]
releases: Release[]
alerts: Alert[]
card: string
}
/**
 * The verdict of a validation suite on one model version.
 */
export interface SuiteResult {
id: string
suite: string
model: string
champion: (string | null)
data: string
rows: number
checks: Check[]
passed: boolean
created: string
confidence: number
metrics: {
[k: string]: number
}
intervals: {
/**
 * @minItems 2
 * @maxItems 2
 */
[k: string]: [unknown, unknown]
}
task: ("classification" | "regression" | "")
label: string
positive: (boolean | number | string | null)
}
/**
 * One check of a validation suite and its verdict.
 */
export interface Check {
name: string
kind: ("limit" | "champion" | "fairness")
metric: string
value: (number | null)
low: (number | null)
high: (number | null)
limit: (number | null)
passed: boolean
skipped: boolean
detail: string
}
/**
 * One deployment revision of an endpoint.
 */
export interface Release {
endpoint: string
number: number
model: string
model_digest: string
action: ("deploy" | "canary" | "shadow" | "shift" | "promote" | "rollback")
reason: string
author: string
created: string
restores: (number | null)
about: (number | null)
share: (number | null)
sticky_by: string
rules: string[]
promote_after: (number | null)
rule: string
package: string
}
/**
 * Something a monitor found that somebody should act on.
 */
export interface Alert {
endpoint: string
kind: ("drift" | "performance" | "latency" | "errors")
period: string
message: string
created: string
value: (number | null)
limit: (number | null)
}
/**
 * An endpoint.
 */
export interface EndpointDocument {
status: EndpointStatus
history: Release[]
entries: number
alerts: Alert[]
report: (MonitorReport | null)
psi_limit: number
curl: string
python: string
}
/**
 * Drift and realised performance of an endpoint, period by period.
 */
export interface MonitorReport {
endpoint: string
model: string
reference: string
created: string
periods: DriftReport[]
alerts: Alert[]
}
/**
 * Served data of one period against the training data.
 */
export interface DriftReport {
endpoint: string
model: string
period: string
rows: number
reference: string
features: FeatureDrift[]
drifted: boolean
predictions: (FeatureDrift | null)
labelled: number
performance: {
[k: string]: number
}
intervals: {
/**
 * @minItems 2
 * @maxItems 2
 */
[k: string]: [unknown, unknown]
}
baseline: {
[k: string]: number
}
notes: string[]
}
/**
 * How far one feature has moved from the training data.
 */
export interface FeatureDrift {
feature: string
kind: ("numeric" | "categorical")
psi: number
test: ("ks" | "chi2")
statistic: number
p_value: number
p_adjusted: number
drifted: boolean
}
/**
 * An endpoint at this moment.
 */
export interface EndpointLive {
status: EndpointStatus
points: LivePoint[]
}
/**
 * All releases of an endpoint at one moment.
 */
export interface LivePoint {
time: number
rates: ReleaseRate[]
}
/**
 * What one release did in the last seconds.
 */
export interface ReleaseRate {
release: number
per_second: number
p50: (number | null)
p99: (number | null)
failing: number
requests: number
errors: number
}
/**
 * What an endpoint's processes wrote last.
 */
export interface EndpointLog {
text: string
}
/**
 * Rows that an endpoint answered, the latest first.
 */
export interface RecentPredictions {
columns: string[]
rows: (string | number | boolean | null)[][]
}
/**
 * The lineage of one thing.
 */
export interface LineageGraph {
center: string
nodes: LineageNode[]
edges: LineageEdge[]
complete: boolean
}
/**
 * A dataset version, run, model version or endpoint; or more of them than are shown.
 */
export interface LineageNode {
id: string
kind: ("dataset" | "run" | "model" | "endpoint" | "more")
ref: string
title: string
detail: string
status: string
time: (string | null)
known: boolean
further_up: boolean
further_down: boolean
hidden: number
of: string
}
/**
 * From what was there to what was made of it.
 */
export interface LineageEdge {
source: string
target: string
earlier: boolean
}
/**
 * The latest jobs of a project, newest first.
 */
export interface Jobs {
jobs: Job[]
}
/**
 * What a new job is to do.
 */
export interface NewJob {
line: string
secrets?: {
[k: string]: string
}
}
/**
 * A job, and what it has said.
 */
export interface JobOutput {
job: Job
text: string
start: number
end: number
}
/**
 * The pipeline files of a project, and the latest runs of all pipelines.
 */
export interface Definitions {
definitions: Definition[]
runs: PastRun[]
}
/**
 * A pipeline file.
 */
export interface Definition {
path: string
name: string
description: string
steps: number
schedule: string
problem: (Problem | null)
latest: (PastRun | null)
}
/**
 * A run of a pipeline in one line.
 */
export interface PastRun {
id: string
pipeline: string
status: ("PENDING" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED" | "SKIPPED")
started: string
ended: (string | null)
steps: number
done: number
cached: number
failed: string[]
error: string
}
/**
 * A pipeline file: what a run of it would do.
 */
export interface DefinitionDocument {
definition: Definition
parameters: PipelineParameter[]
plan: (Plan | null)
problem: (Problem | null)
runs: PastRun[]
}
/**
 * A parameter that a pipeline declares.
 */
export interface PipelineParameter {
name: string
type: string
default: unknown
choices: unknown[]
min: (number | null)
max: (number | null)
help: string
secret: boolean
required: boolean
}
/**
 * What a run of a pipeline would do.
 */
export interface Plan {
pipeline: string
path: string
parameters: {
[k: string]: unknown
}
steps: PlannedStep[]
on_failure: (PlannedStep | null)
}
/**
 * One job: a step, one combination of its matrix, or one item of its ``foreach``.
 * 
 * With ``foreach`` it stands for jobs that are known only when the steps it needs have ended:
 * whoever schedules evaluates the expression then and runs what `expand` makes of the items in
 * its place. Steps that need it wait for all of them.
 */
export interface PlannedStep {
name: string
step: string
notebook: string
kind: ("notebook" | "script" | "function")
cwd: string
needs: string[]
stage: number
matrix: {
[k: string]: unknown
}
foreach: string
each: string
parameters: {
[k: string]: unknown
}
when: string
inputs: string[]
outputs: string[]
environment: {
[k: string]: string
}
resources: {
[k: string]: number
}
cells: number
file: string
fresh: (boolean | null)
why: string
}
/**
 * One run of a pipeline.
 */
export interface PipelineDocument {
run: PipelineProgress
path: string
details: StepDetail[]
failure: (StepFailure | null)
failures: number
earlier: PastRun[]
told_by: ("events" | "store")
author: string
asked: string
}
/**
 * What became of a step, beside how far it is.
 */
export interface StepDetail {
name: string
parameters: {
[k: string]: unknown
}
values: {
[k: string]: unknown
}
failed_cell: (number | null)
executed: boolean
runs: string[]
inputs: {
[k: string]: string
}
outputs: {
[k: string]: string
}
}
/**
 * What went wrong in a step.
 */
export interface StepFailure {
step: string
error: string
cell: (number | null)
source: string
shown: string
traceback: string
output: string
}
/**
 * The end of what a step has shown so far.
 */
export interface StepLog {
step: string
text: string
saved: (string | null)
}
/**
 * A notebook as it was executed in a run.
 */
export interface ExecutedNotebook {
step: string
content: {
[k: string]: unknown
}
written: (string | null)
}
/**
 * A page of HTML, to be shown where nothing in it can run.
 */
export interface Page {
html: string
}
/**
 * What is asked for before a notebook runs headlessly.
 */
export interface ParameterForm {
notebook: string
output: string
fields: FormField[]
problem: string
}
/**
 * One parameter of a notebook, as a form asks for it.
 */
export interface FormField {
name: string
kind: ("text" | "integer" | "number" | "boolean" | "choice" | "date" | "value" | "secret")
annotation: string
default: string
help: string
choices: string[]
optional: boolean
present: boolean
}
/**
 * A notebook to run, with values as they were typed in.
 */
export interface HeadlessRun {
path: string
output: string
values?: {
[k: string]: string
}
secrets?: string[]
}
/**
 * The line of the grammar that runs it, and what is wrong with the values.
 */
export interface HeadlessLine {
line: string
problems: {
[k: string]: string
}
}
/**
 * A version and what each of its columns holds, computed once when it was saved.
 */
export interface DatasetProfile {
version: DatasetVersion
columns: ColumnProfile[]
sampled: (number | null)
source: {
[k: string]: string
}
}
/**
 * A run, and what went wrong first.
 */
export interface PipelineReading {
id: string
pipeline: string
status: ("PENDING" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED" | "SKIPPED")
parameters: {
[k: string]: unknown
}
started: string
ended: (string | null)
steps: StepResult[]
error: string
report: string
first_failure: (StepFailure | null)
failures: number
compared_with: string
}
/**
 * What became of one pipeline step (one cell of its matrix).
 */
export interface StepResult {
name: string
notebook: string
status: ("PENDING" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED" | "SKIPPED")
parameters: {
[k: string]: unknown
}
values: {
[k: string]: unknown
}
started: (string | null)
ended: (string | null)
cells: number
cells_done: number
failed_cell: (number | null)
error: string
output: string
output_digest: string
runs: string[]
attempts: number
key: string
cached_from: string
why: string
inputs: {
[k: string]: string
}
outputs: {
[k: string]: string
}
cause: ("" | "failed" | "timeout" | "memory")
}
/**
 * One run of a pipeline.
 */
export interface PipelineRun {
id: string
pipeline: string
status: ("PENDING" | "RUNNING" | "FINISHED" | "FAILED" | "KILLED" | "SKIPPED")
parameters: {
[k: string]: unknown
}
started: string
ended: (string | null)
steps: StepResult[]
error: string
report: string
}
