/** Curves that grow: what is new is put behind what is known. */

import type { RunCurve, RunHistory } from '../../records';

/** So many points of a curve may come in parts before it is asked for anew, thinned. */
const MOST = 3000;

/** Put an answer to what was known before. */
export function grown(before: RunCurve[], answer: RunHistory): RunCurve[] {
  if (answer.whole) {
    return answer.curves;
  }
  if (!answer.curves.length) {
    return before;
  }
  const known = new Map(before.map(curve => [curve.metric, curve]));
  for (const curve of answer.curves) {
    const old = known.get(curve.metric);
    known.set(curve.metric, old ? joined(old, curve) : curve);
  }
  return [...known.values()].sort((one, other) =>
    one.metric < other.metric ? -1 : 1
  );
}

/** Whether so much came in parts that it should be thinned out again. */
export function overgrown(curves: RunCurve[]): boolean {
  return curves.some(curve => curve.steps.length > MOST);
}

function joined(old: RunCurve, more: RunCurve): RunCurve {
  const both: RunCurve = {
    metric: old.metric,
    points: old.points + more.points,
    steps: [...old.steps, ...more.steps],
    values: [...old.values, ...more.values],
    times: [...old.times, ...more.times]
  };
  const last = old.steps[old.steps.length - 1] ?? -Infinity;
  return (more.steps[0] ?? Infinity) >= last ? both : inOrder(both);
}

/** By step, as the server has them: what is logged need not be in order. */
function inOrder(curve: RunCurve): RunCurve {
  const places = curve.steps
    .map((_, place) => place)
    .sort(
      (one, other) =>
        (curve.steps[one] ?? 0) - (curve.steps[other] ?? 0) ||
        (curve.times[one] ?? 0) - (curve.times[other] ?? 0)
    );
  const pick = <T>(values: T[]): T[] => places.map(at => values[at] as T);
  return {
    ...curve,
    steps: pick(curve.steps),
    values: pick(curve.values),
    times: pick(curve.times)
  };
}
