/** What other plugins can ask for, and the names of the commands. */

import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { PagedList } from './paged';
import type {
  Change,
  DatasetSummary,
  EndpointStatus,
  ModelSummary,
  PipelineProgress,
  Place,
  Problem,
  RunSummary
} from './records';

/** The lists of the panel, in the order in which data flows through a project. */
export const SECTIONS = [
  'runs',
  'datasets',
  'models',
  'endpoints',
  'pipelines'
] as const;

export type Section = (typeof SECTIONS)[number];

/** What the rows of each list are. */
export interface IRows {
  runs: RunSummary;
  datasets: DatasetSummary;
  models: ModelSummary;
  endpoints: EndpointStatus;
  pipelines: PipelineProgress;
}

export type ILists = { readonly [S in Section]: PagedList<IRows[S]> };

/** What is known about the project at one moment. */
export interface IState {
  /** Which project it is; null before the server has said so. */
  readonly project: Place | null;
  /** Why the server could not answer the last time, if it could not. */
  readonly problem: Problem | null;
  /** Whether a full refresh is under way. */
  readonly loading: boolean;
}

/** What an mlnb project holds, kept up to date. */
export interface IMlnbModel {
  readonly state: IState;
  readonly changed: ISignal<IMlnbModel, IState>;
  readonly lists: ILists;
  /** Each change that the server pushes, of whatever folder. */
  readonly pushed: ISignal<IMlnbModel, Change>;
  /** Folder of the file browser whose project is shown; '' is its top. */
  folder: string;
  /** What the rows of all lists must match: words and comparisons. */
  query: string;
  /** Whether anybody looks; nothing is fetched while nobody does. */
  visible: boolean;
  /** Seconds between two full refreshes. */
  refreshInterval: number;
  /** What a list is ordered by; '' is its own order. */
  order(section: Section): string;
  setOrder(section: Section, order: string): void;
  /** Fetch the beginnings of the lists, so that they are there when somebody looks. */
  prepare(): Promise<void>;
  /** Fetch everything again. */
  refresh(): Promise<void>;
  /** Take in what the server pushed. */
  receive(change: Change): void;
}

export const IMlnbModel = new Token<IMlnbModel>(
  'mlnb:IMlnbModel',
  'What the mlnb project behind this server holds, kept up to date.'
);

/** What can be opened in the main area. */
export const DOCUMENT_KINDS = [
  'run',
  'compare',
  'dataset',
  'model',
  'endpoint',
  'pipeline',
  'lineage',
  'job'
] as const;

export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

export namespace CommandIDs {
  export const showPanel = 'mlnb:show-panel';
  export const refresh = 'mlnb:refresh';
  /** Open a document: `{kind, id, folder}`. */
  export const open = 'mlnb:open';
  /** Open the executed notebook of a step: `{folder, run, step}`. */
  export const openExecuted = 'mlnb:open-executed';
  /** Do what a line of the grammar says: `{line, folder, background, confirm}`. */
  export const perform = 'mlnb:perform';
  /** Open the list of pipeline files and runs. */
  export const pipelines = 'mlnb:pipelines';
  /** Open the list of background jobs. */
  export const jobs = 'mlnb:jobs';
}

/** Schema of the events that mlnb's server extension emits. */
export const CHANGE_SCHEMA = 'urn:mlnb:change:v1';
