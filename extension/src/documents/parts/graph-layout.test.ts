import { describe, expect, it } from 'vitest';

import { layOut } from './graph-layout';
import {
  first,
  fitted,
  READABLE,
  revealing,
  within,
  zoomed
} from './graph-view';
import { neighbours, step } from './graph-walk';

type Pair = [string, string];
const DIAMOND: Pair[] = [
  ['data', 'a'],
  ['data', 'b'],
  ['a', 'model'],
  ['b', 'model']
];
const IDS = ['data', 'a', 'b', 'model'];

describe('layOut', () => {
  it('puts what comes after to the right, and lets nothing overlap', () => {
    const { boxes, paths, width, height } = layOut(IDS, DIAMOND, 'right');
    for (const [from, to] of DIAMOND) {
      const [before, after] = [boxes.get(from)!, boxes.get(to)!];
      expect(before.x + before.width).toBeLessThan(after.x);
    }
    const [a, b] = [boxes.get('a')!, boxes.get('b')!];
    expect(Math.abs(a.y - b.y)).toBeGreaterThanOrEqual(a.height);
    for (const box of boxes.values()) {
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(width);
      expect(box.y + box.height).toBeLessThanOrEqual(height);
    }
    expect(paths).toHaveLength(4);
    expect(paths[0]).toMatch(/^M[\d.]+,[\d.]+C/);
  });

  it('puts what comes after below, when asked to', () => {
    const { boxes } = layOut(IDS, DIAMOND, 'down');
    const [before, after] = [boxes.get('data')!, boxes.get('model')!];
    expect(before.y + before.height).toBeLessThan(after.y);
  });

  it('takes any name, no node at all, loops, and edges to nowhere', () => {
    const names = ['__proto__', 'constructor', '', '<b>x</b>'];
    const edges: Pair[] = [
      ['__proto__', 'constructor'],
      ['constructor', '__proto__'],
      ['', ''],
      ['', 'nowhere']
    ];
    const { boxes, paths } = layOut(names, edges, 'right');
    expect([...boxes.keys()]).toEqual(names);
    expect(paths.map(path => path !== '')).toEqual([true, true, false, false]);
    expect(layOut([], [], 'right')).toMatchObject({ width: 0, height: 0 });
  });

  it('lays hundreds of nodes out', () => {
    const ids = Array.from({ length: 600 }, (_, index) => `n${index}`);
    const edges = ids.slice(1).map((id, index): Pair => {
      return [ids[Math.floor(index / 3)]!, id];
    });
    const { boxes } = layOut(ids, edges, 'right');
    expect(new Set([...boxes.values()].map(b => `${b.x} ${b.y}`)).size).toBe(
      600
    );
  });
});

describe('step', () => {
  const layout = layOut(IDS, DIAMOND, 'right');
  const around = neighbours(DIAMOND);
  const from = (id: string, key: string): string | null | undefined =>
    step(key, id, layout, around, 'right');

  it('walks along the edges, and between the nodes of a layer', () => {
    const [upper, lower] =
      layout.boxes.get('a')!.y < layout.boxes.get('b')!.y
        ? ['a', 'b']
        : ['b', 'a'];
    expect(['a', 'b']).toContain(from('data', 'ArrowRight'));
    expect(from('a', 'ArrowRight')).toBe('model');
    expect(from('b', 'ArrowLeft')).toBe('data');
    expect(from(upper, 'ArrowDown')).toBe(lower);
    expect(from(lower, 'ArrowUp')).toBe(upper);
    expect(from('model', 'Home')).toBe('data');
    expect(from('data', 'End')).toBe('model');
  });

  it('stays at the ends, and leaves other keys alone', () => {
    expect(from('model', 'ArrowRight')).toBeUndefined();
    expect(from('data', 'ArrowUp')).toBeUndefined();
    expect(from('data', 'x')).toBeNull();
  });
});

describe('the view', () => {
  const content = { width: 1000, height: 400 };
  const frame = { width: 500, height: 500 };

  it('begins with all of it where that can be read', () => {
    expect(fitted(content, frame)).toEqual({ scale: 0.5, x: 0, y: 150 });
    expect(first({ width: 100, height: 50 }, frame, undefined).scale).toBe(1);
    const box = { x: 4000, y: 2000, width: 200, height: 50 };
    const large = { width: 9000, height: 4000 };
    const begun = first(large, frame, box);
    expect(begun.scale).toBeGreaterThan(READABLE);
    expect((box.x + 100) * begun.scale + begun.x).toBeCloseTo(250);
  });

  it('keeps the point under the pointer when it enlarges, within bounds', () => {
    const view = { x: 10, y: 20, scale: 1 };
    const at = { x: 110, y: 120 };
    const next = zoomed(view, 1.5, at);
    expect([next.x + 100 * 1.5, next.y + 100 * 1.5]).toEqual([110, 120]);
    expect(zoomed(view, 1e9, at).scale).toBe(2);
    expect(zoomed(view, 1e-9, at).scale).toBe(0.1);
  });

  it('never loses the graph, and moves no more than needed', () => {
    const lost = within({ x: -9999, y: 9999, scale: 1 }, content, frame);
    expect(lost).toEqual({ x: 48 - 1000, y: 500 - 48, scale: 1 });
    const view = { x: 0, y: 0, scale: 1 };
    const box = { x: 100, y: 100, width: 200, height: 50 };
    expect(revealing(view, box, frame)).toEqual(view);
    expect(revealing(view, { ...box, x: 400 }, frame).x).toBe(-112);
    expect(revealing(view, { ...box, x: -50 }, frame).x).toBe(62);
  });
});
