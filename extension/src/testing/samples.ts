/** Records for the tests. */

import type {
  DatasetVersion,
  EndpointStatus,
  ModelVersion,
  Overview,
  PipelineProgress,
  RunRecord,
  StepProgress
} from '../records';

export const NOW = '2026-03-01T12:00:00Z';

export function run(part: Partial<RunRecord> = {}): RunRecord {
  return {
    id: 'a1b2c3',
    name: 'brave-fox',
    experiment: 'flights',
    status: 'FINISHED',
    started: '2026-03-01T11:55:00Z',
    ended: '2026-03-01T11:55:42Z',
    params: { depth: '7' },
    metrics: { roc_auc: 0.81234567 },
    tags: {},
    inputs: ['flights@3'],
    outputs: [],
    error: '',
    notebook: 'notebooks/train.ipynb',
    git_commit: '0123456789abcdef',
    git_dirty: true,
    author: 'analyst',
    artifacts: [],
    waiting: false,
    ...part
  };
}

export function dataset(part: Partial<DatasetVersion> = {}): DatasetVersion {
  return {
    name: 'flights',
    number: 3,
    digest: 'f00dfeed'.repeat(8),
    columns: [
      { name: 'carrier', type: 'string' },
      { name: 'delay', type: 'double' }
    ],
    rows: 336776,
    bytes: 5_300_000,
    parent: 2,
    message: 'deduplicated',
    author: 'analyst',
    created: '2026-03-01T10:00:00Z',
    run: null,
    kind: 'table',
    tags: ['gold'],
    unchanged: false,
    ...part
  };
}

export function model(part: Partial<ModelVersion> = {}): ModelVersion {
  return {
    name: 'delays',
    number: 4,
    digest: 'beef'.repeat(16),
    aliases: ['champion'],
    run: 'a1b2c3',
    created: '2026-03-01T10:30:00Z',
    author: 'analyst',
    description: 'gradient boosting',
    flavor: 'sklearn',
    inputs: [],
    metrics: { roc_auc: 0.8 },
    data: ['flights@3'],
    gate: 'passed',
    ...part
  };
}

export function endpoint(part: Partial<EndpointStatus> = {}): EndpointStatus {
  return {
    name: 'delays-api',
    status: 'running',
    url: 'http://127.0.0.1:8100',
    release: 2,
    model: 'delays@4',
    pid: 1,
    since: '2026-03-01T11:00:00Z',
    requests: 1200,
    errors: 1,
    detail: '',
    parts: [],
    ...part
  };
}

export function step(part: Partial<StepProgress> = {}): StepProgress {
  return {
    name: 'train',
    status: 'PENDING',
    notebook: 'train.ipynb',
    needs: [],
    cells: 0,
    cells_done: 0,
    started: null,
    ended: null,
    attempt: 1,
    error: '',
    cached_from: '',
    why: '',
    ...part
  };
}

export function progress(
  part: Partial<PipelineProgress> = {}
): PipelineProgress {
  return {
    id: 'flights-1',
    pipeline: 'flights',
    status: 'RUNNING',
    started: '2026-03-01T11:59:00Z',
    ended: null,
    steps: [],
    parameters: {},
    error: '',
    report: '',
    driver: null,
    workers: 2,
    updated: null,
    ...part
  };
}

export function overview(part: Partial<Overview> = {}): Overview {
  return {
    project: {
      name: 'flight-delays',
      prefix: '',
      within: '',
      reachable: true
    },
    runs: [],
    datasets: [],
    models: [],
    endpoints: [],
    pipelines: [],
    problems: {},
    ...part
  };
}
