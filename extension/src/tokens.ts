/** What other plugins can ask for, and the names of the commands. */

import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { Change, Overview, Problem } from './records';

/** The lists of the panel, in the order in which data flows through a project. */
export const SECTIONS = [
  'runs',
  'datasets',
  'models',
  'endpoints',
  'pipelines'
] as const;

export type Section = (typeof SECTIONS)[number];

/** What is known about the project at one moment. */
export interface IState {
  /** The last answer of the server; null before the first one. */
  readonly overview: Overview | null;
  /** Why the server could not answer the last time, if it could not. */
  readonly problem: Problem | null;
  /** Whether a full refresh is under way. */
  readonly loading: boolean;
}

/** What an mlnb project holds, kept up to date. */
export interface IMlnbModel {
  readonly state: IState;
  readonly changed: ISignal<IMlnbModel, IState>;
  /** Folder of the file browser whose project is shown; '' is its top. */
  folder: string;
  /** Whether anybody looks; nothing is fetched while nobody does. */
  visible: boolean;
  /** Seconds between two full refreshes. */
  refreshInterval: number;
  /** Fetch everything again. */
  refresh(): Promise<void>;
  /** Take in what the server pushed. */
  receive(change: Change): void;
}

export const IMlnbModel = new Token<IMlnbModel>(
  'mlnb:IMlnbModel',
  'What the mlnb project behind this server holds, kept up to date.'
);

export namespace CommandIDs {
  export const showPanel = 'mlnb:show-panel';
  export const refresh = 'mlnb:refresh';
}

/** Schema of the events that mlnb's server extension emits. */
export const CHANGE_SCHEMA = 'urn:mlnb:change:v1';
