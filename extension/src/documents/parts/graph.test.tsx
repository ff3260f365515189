import { fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import type { IGraphEdge, IGraphNode, IGraphProps } from './graph';
import { Graph } from './graph';

const NODES: IGraphNode[] = [
  { id: 'd', title: 'flights@3', subtitle: '336,776 rows' },
  {
    id: 'r',
    title: 'brave-fox',
    tone: 'busy',
    status: 'running',
    progress: 0.5
  },
  { id: 'm', title: 'delays@4', tone: 'good', status: 'passed', central: true }
];
const EDGES: IGraphEdge[] = [
  { from: 'd', to: 'r' },
  { from: 'r', to: 'm', dashed: true }
];

beforeAll(() => import('./graph-canvas').then(() => undefined));

async function show(part: Partial<IGraphProps> = {}): Promise<{
  onOpen: ReturnType<typeof vi.fn>;
  root: HTMLElement;
  again: (part: Partial<IGraphProps>) => void;
}> {
  const onOpen = vi.fn();
  const graph = (more: Partial<IGraphProps>): JSX.Element => (
    <Graph
      label="Lineage"
      nodes={NODES}
      edges={EDGES}
      onOpen={onOpen}
      {...part}
      {...more}
    />
  );
  const { container, rerender } = render(graph({}));
  await screen.findByRole('group', { name: 'Lineage' });
  return { onOpen, root: container, again: more => rerender(graph(more)) };
}

const node = (name: RegExp): HTMLElement =>
  screen.getByRole('button', { name });

describe('Graph', () => {
  it('draws nodes and edges, and says both in words', async () => {
    const { root } = await show();
    expect(root.querySelectorAll('.mlnb-Graph-edges > path')).toHaveLength(2);
    expect(root.querySelectorAll('path.mlnb-mod-dashed')).toHaveLength(1);
    expect(node(/^brave-fox/).getAttribute('aria-label')).toBe(
      'brave-fox; running; 50% done; from flights@3; to delays@4'
    );
    expect(node(/^delays@4/).getAttribute('aria-current')).toBe('true');
  });

  it('is one stop of the tab key, walked through by arrows, opened by enter', async () => {
    const { onOpen } = await show();
    const user = userEvent.setup();
    await user.tab();
    expect(document.activeElement).toBe(node(/^delays@4/));
    await user.keyboard('{ArrowLeft}{ArrowLeft}');
    expect(document.activeElement).toBe(node(/^flights@3/));
    await user.keyboard('{ArrowLeft}');
    expect(document.activeElement).toBe(node(/^flights@3/));
    await user.keyboard('{Enter}');
    expect(onOpen.mock.calls).toEqual([['d']]);
    expect(
      screen
        .getAllByRole('button')
        .filter(one => one.tabIndex === 0 && one.dataset.mlnbNode)
    ).toHaveLength(1);
  });

  it('selects by a click and opens by a double click; without a selection a click opens', async () => {
    const onSelect = vi.fn();
    const { onOpen, again } = await show({ onSelect });
    fireEvent.click(node(/^flights@3/));
    expect(onSelect.mock.calls).toEqual([['d']]);
    expect(onOpen).not.toHaveBeenCalled();
    fireEvent.doubleClick(node(/^flights@3/));
    expect(onOpen.mock.calls).toEqual([['d']]);
    again({ onSelect: undefined });
    fireEvent.click(node(/^brave-fox/));
    expect(onOpen.mock.calls).toEqual([['d'], ['r']]);
  });

  it('keeps the places when only a status changes', async () => {
    const { again } = await show();
    const before = node(/^brave-fox/).style.left;
    again({
      nodes: NODES.map(one => ({ ...one, tone: 'bad', status: 'failed' }))
    });
    expect(node(/^brave-fox/).getAttribute('aria-label')).toContain('failed');
    expect(node(/^brave-fox/).style.left).toBe(before);
  });

  it('can be read as a list', async () => {
    const { onOpen } = await show();
    fireEvent.click(screen.getByRole('button', { name: 'Show as a list' }));
    const row = within(screen.getByRole('table')).getAllByRole('row')[2]!;
    expect(row.textContent).toBe('brave-fox runningflights@3delays@4');
    fireEvent.click(within(row).getByRole('button'));
    expect(onOpen.mock.calls).toEqual([['r']]);
  });

  it('shows names as text, whatever they are', async () => {
    const hostile = '<img src=x onerror="window.hit = 1">';
    const { root } = await show({
      nodes: [{ id: '__proto__', title: hostile }],
      edges: []
    });
    expect(root.querySelector('img')).toBeNull();
    expect(screen.getByText(hostile)).toBeTruthy();
  });
});
