/** Which record is drawn by which card. */

import React from 'react';

import { ProfileCard, VersionCard } from './dataset';
import { DiffCard } from './diff';
import { DriftCard, MonitorCard } from './drift';
import { EndpointCard } from './endpoint';
import type { IStored } from './formats';
import { ModelCard } from './model';
import { PipelineCard } from './pipeline';
import { RunCard } from './run';
import { VerdictCard } from './verdict';

const CARDS = {
  DatasetDiff: DiffCard,
  DatasetProfile: ProfileCard,
  DatasetVersion: VersionCard,
  DriftReport: DriftCard,
  EndpointStatus: EndpointCard,
  ModelVersion: ModelCard,
  MonitorReport: MonitorCard,
  PipelineReading: PipelineCard,
  PipelineRun: PipelineCard,
  RunRecord: RunCard,
  SuiteResult: VerdictCard
} as const;

/** The types that have a card; all others are shown by their HTML. */
export const TYPES: readonly string[] = Object.keys(CARDS);

/** Returns null for a record that has no card. */
export function cardOf({ type, record }: IStored): JSX.Element | null {
  if (!Object.hasOwn(CARDS, type)) {
    return null;
  }
  // What a notebook holds was never checked: a card that cannot be drawn is caught by `Guard`.
  const Draw = CARDS[type as keyof typeof CARDS] as (props: {
    record: unknown;
  }) => JSX.Element | null;
  return <Draw record={record} />;
}
