// Generated from mlnb's Python records by 'npm run codegen'. Do not edit.

/**
 * All that the server extension sends.
 */
export interface Wire {
overview: Overview
change: Change
}
/**
 * Everything the panel shows, at one moment.
 */
export interface Overview {
project: Place
runs: RunRecord[]
datasets: DatasetVersion[]
models: ModelVersion[]
endpoints: EndpointStatus[]
pipelines: PipelineProgress[]
problems: {
[k: string]: Problem
}
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
 * Why something could not be answered: an `MlnbError` as JSON.
 */
export interface Problem {
error: string
message: string
fix: string
}
/**
 * What the server pushes: lists to fetch again, and pipeline runs as they are now.
 */
export interface Change {
folder: string
sections: ("runs" | "datasets" | "models" | "endpoints" | "pipelines")[]
pipelines: PipelineProgress[]
}
