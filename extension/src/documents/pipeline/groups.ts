/** The jobs of a step that has a matrix or a foreach, as one. */

import type { PipelineProgress, StepProgress } from '../../records';

export type Status = PipelineProgress['status'];

export interface IGroup {
  /** The step of the pipeline file. */
  name: string;
  jobs: StepProgress[];
}

/** `train` of `train[logistic,3]`. */
export function stepOf(name: string): string {
  const at = name.indexOf('[');
  return at > 0 && /\](#\d+)?$/.test(name) ? name.slice(0, at) : name;
}

/** `logistic,3` of `train[logistic,3]`. */
export function labelOf(name: string): string {
  const step = stepOf(name);
  return step === name ? name : name.slice(step.length + 1).replace(/\]/, '');
}

/** Steps with their jobs, in the order of the run. */
export function grouped(steps: StepProgress[]): IGroup[] {
  const found = new Map<string, StepProgress[]>();
  for (const step of steps) {
    const name = stepOf(step.name);
    const jobs = found.get(name);
    if (jobs) {
      jobs.push(step);
    } else {
      found.set(name, [step]);
    }
  }
  return [...found].map(([name, jobs]) => ({ name, jobs }));
}

/** The status that stands for several: what is worst, else what goes on. */
export function statusOf(jobs: StepProgress[]): Status {
  const order: Status[] = ['FAILED', 'KILLED', 'RUNNING', 'PENDING'];
  for (const status of order) {
    if (jobs.some(job => job.status === status)) {
      const begun = jobs.some(job => job.status === 'FINISHED');
      return status === 'PENDING' && begun ? 'RUNNING' : status;
    }
  }
  return jobs.every(job => job.status === 'SKIPPED') ? 'SKIPPED' : 'FINISHED';
}

/** What each group needs, by group: each need once, none of itself. */
export function needsOf(groups: IGroup[]): [string, string][] {
  const known = new Set(groups.map(group => group.name));
  const found = new Map<string, [string, string]>();
  for (const group of groups) {
    for (const job of group.jobs) {
      for (const need of job.needs) {
        const from = stepOf(need);
        if (known.has(from) && from !== group.name) {
          found.set(`${from}\n${group.name}`, [from, group.name]);
        }
      }
    }
  }
  return withoutImplied([...found.values()]);
}

/** Edges that no chain of other edges implies. */
export function withoutImplied(edges: [string, string][]): [string, string][] {
  const before = new Map<string, Set<string>>();
  const next = new Map<string, string[]>();
  for (const [from, to] of edges) {
    next.set(from, [...(next.get(from) ?? []), to]);
  }
  const after = (name: string): Set<string> => {
    let found = before.get(name);
    if (!found) {
      found = new Set();
      before.set(name, found); // a circle ends here
      for (const to of next.get(name) ?? []) {
        found.add(to);
        after(to).forEach(item => found!.add(item));
      }
    }
    return found;
  };
  return edges.filter(
    ([from, to]) =>
      !(next.get(from) ?? []).some(
        other => other !== to && after(other).has(to)
      )
  );
}
