/** Records for the tests. */

import type { Answer, Asked, IApi, Route } from '../api';
import type {
  Change,
  DatasetSummary,
  DatasetVersion,
  EndpointStatus,
  ModelSummary,
  ModelVersion,
  PipelineProgress,
  Place,
  RunRecord,
  RunSummary,
  StepProgress
} from '../records';
import type { IRows, Section } from '../tokens';

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

export const PLACE: Place = {
  name: 'flight-delays',
  prefix: '',
  within: '',
  reachable: true
};

/** A run as a line of the list. */
export function runLine(part: Partial<RunSummary> = {}): RunSummary {
  return {
    id: 'a1b2c3',
    name: 'brave-fox',
    experiment: 'flights',
    status: 'FINISHED',
    started: '2026-03-01T11:55:00Z',
    ended: '2026-03-01T11:55:42Z',
    metrics: { roc_auc: 0.81234567 },
    error: '',
    notebook: 'notebooks/train.ipynb',
    waiting: false,
    ...part
  };
}

export function datasetLine(
  part: Partial<DatasetSummary> = {}
): DatasetSummary {
  return {
    name: 'flights',
    number: 3,
    kind: 'table',
    rows: 336776,
    columns: 19,
    bytes: 5_000_000,
    message: 'without cancelled ones',
    author: 'analyst',
    created: '2026-03-01T11:00:00Z',
    tags: ['gold'],
    ...part
  };
}

export function modelLine(part: Partial<ModelSummary> = {}): ModelSummary {
  return {
    name: 'late-arrivals',
    number: 2,
    aliases: ['champion'],
    created: '2026-03-01T11:00:00Z',
    description: 'gradient boosting',
    gate: 'passed',
    metrics: { roc_auc: 0.81234567 },
    ...part
  };
}

/** What the server has; answers as its routes do. */
export class FakeServer implements IApi {
  rows: { [S in Section]: IRows[S][] } = {
    runs: [],
    datasets: [],
    models: [],
    endpoints: [],
    pipelines: []
  };
  revision = 1000;
  change: Partial<Change> = {};
  error: Error | null = null;
  /** Errors of single routes. */
  errors: { [name: string]: Error } = {};
  asked: { name: string; [what: string]: unknown }[] = [];
  /** Answers wait for this when it is set. */
  gate: Promise<void> | null = null;

  async ask<R extends Route>(route: R, asked: Asked<R>): Promise<Answer<R>> {
    const name = route.slice('GET /'.length);
    this.asked.push({ name, ...asked });
    const error = this.error ?? this.errors[name] ?? null;
    const answer = this._answer(name, asked as Partial<IAskedPage>);
    await this.gate;
    if (error) {
      throw error;
    }
    return answer as unknown as Answer<R>;
  }

  url(): string {
    return '';
  }

  /** How often a route was asked. */
  count(name: string): number {
    return this.asked.filter(asked => asked.name === name).length;
  }

  private _answer(name: string, asked: Partial<IAskedPage>): object {
    if (name === 'changes') {
      const change = { folder: '', sections: [], pipelines: [], jobs: [] };
      const { revision } = this;
      return {
        project: PLACE,
        change: { ...change, ...this.change, revision }
      };
    }
    const { offset = 0, limit = 100, query = '' } = asked;
    const all = this.rows[name as Section].filter(row =>
      JSON.stringify(row).includes(query)
    );
    const items = all.slice(offset, offset + limit);
    return { items, offset, total: all.length, metrics: ['roc_auc'] };
  }
}

interface IAskedPage {
  offset: number;
  limit: number;
  query: string;
}
