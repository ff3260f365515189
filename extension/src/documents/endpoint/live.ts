/** An endpoint followed while somebody looks: what it does now, and did since. */

import { useEffect, useRef, useState } from 'react';

import { asProblem } from '../../api';
import type {
  EndpointStatus,
  LivePoint,
  Problem,
  ReleaseRate
} from '../../records';
import { useDocument } from '../context';
import type { ISeries } from '../parts/chart-data';

/** Milliseconds between two looks. */
const EVERY = 2000;
/** Points that are kept: an hour of looks. */
const KEPT = 1800;

export interface ILive {
  status: EndpointStatus | null;
  points: LivePoint[];
  problem: Problem | null;
}

/** Look again and again; what was answered before is kept while the server does not answer. */
export function useLive(name: string): ILive {
  const { api, folder, visible } = useDocument();
  const [live, setLive] = useState<ILive>({
    status: null,
    points: [],
    problem: null
  });
  const last = useRef(0);
  useEffect(() => {
    if (!visible) {
      return;
    }
    let stopped = false;
    let timer = 0;
    const look = async (): Promise<void> => {
      try {
        const answer = await api.ask('GET /endpoints/{name}/live', {
          name,
          folder,
          after: last.current
        });
        if (stopped) {
          return;
        }
        last.current = answer.points.at(-1)?.time ?? last.current;
        setLive(before => ({
          status: answer.status,
          points: [...before.points, ...answer.points].slice(-KEPT),
          problem: null
        }));
      } catch (reason) {
        if (!stopped) {
          setLive(before => ({ ...before, problem: asProblem(reason) }));
        }
      }
      if (!stopped) {
        timer = window.setTimeout(() => void look(), EVERY);
      }
    };
    void look();
    return () => {
      stopped = true;
      window.clearTimeout(timer);
    };
  }, [api, folder, name, visible]);
  return live;
}

/** What a release did in the last seconds, by its number. */
export function latestRates(points: LivePoint[]): Map<number, ReleaseRate> {
  return new Map(points.at(-1)?.rates.map(rate => [rate.release, rate]));
}

/**
 * One line per release of what it did; where a release did not answer the line has a gap.
 *
 * @param name - What a release's line is called.
 */
export function lines(
  points: LivePoint[],
  value: (rate: ReleaseRate) => number | null,
  name: (release: number) => string
): ISeries[] {
  const releases = [
    ...new Set(points.flatMap(point => point.rates.map(rate => rate.release)))
  ].sort((a, b) => a - b);
  const x = points.map(point => point.time);
  return releases.map(release => ({
    label: name(release),
    x,
    y: points.map(point => {
      const rate = point.rates.find(one => one.release === release);
      return rate ? value(rate) : null;
    }),
    colour: release
  }));
}
