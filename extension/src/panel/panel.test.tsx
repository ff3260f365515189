import { fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import { describe, expect, it, type Mock, vi } from 'vitest';

import type { IActions } from '../notebook';
import type { Overview } from '../records';
import {
  dataset,
  endpoint,
  model,
  overview,
  progress,
  run,
  step
} from '../testing/samples';
import type { IMlnbModel, IState } from '../tokens';
import { SECTIONS } from '../tokens';
import { Panel } from './panel';

function show(
  content: Partial<Overview> | null,
  part: Partial<IState> = {}
): {
  actions: Record<keyof IActions, Mock>;
  refresh: Mock;
  root: HTMLElement;
} {
  const actions = { insert: vi.fn(), copy: vi.fn(), open: vi.fn() };
  const refresh = vi.fn(() => Promise.resolve());
  const state: IState = {
    overview: content && overview(content),
    problem: null,
    loading: false,
    ...part
  };
  const { container } = render(
    <Panel
      model={{ refresh } as unknown as IMlnbModel}
      state={state}
      actions={actions}
    />
  );
  return { actions, refresh, root: container };
}

const FULL: Partial<Overview> = {
  runs: [run(), run({ id: 'x', name: 'calm-owl', status: 'FAILED' })],
  datasets: [dataset()],
  models: [model()],
  endpoints: [endpoint()],
  pipelines: [
    progress({
      steps: [
        step({ name: 'ingest', status: 'FINISHED' }),
        step({
          name: 'train[boosting]',
          status: 'RUNNING',
          started: '2026-03-01T11:59:30Z',
          cells: 12,
          cells_done: 3
        })
      ]
    })
  ]
};

function section(name: string): HTMLElement {
  const heading = screen.getByRole('heading', { name: new RegExp(name) });
  const found = heading.closest('section');
  expect(found).not.toBeNull();
  return found as HTMLElement;
}

describe('the panel', () => {
  it('says that it reads before it knows anything', () => {
    show(null);
    expect(screen.getByRole('status').textContent).toContain('Reading');
  });

  it('shows all sections in the order in which data flows', () => {
    const { root } = show(FULL);
    const ids = [...root.querySelectorAll('[data-mlnb-section]')].map(node =>
      node.getAttribute('data-mlnb-section')
    );
    expect(ids).toEqual([...SECTIONS]);
    expect(screen.getByRole('heading', { level: 2 }).textContent).toBe(
      'flight-delays'
    );
  });

  it('teaches the first command where there is nothing', async () => {
    const { actions } = show({});
    const empty = section('Datasets');
    expect(empty.textContent).toContain('%dataset save df');
    await userEvent.click(
      within(empty).getByRole('button', { name: 'Insert into the notebook' })
    );
    expect(actions.insert).toHaveBeenCalledWith(
      expect.stringMatching(/^%dataset save df/)
    );
    await userEvent.click(within(empty).getByRole('button', { name: 'Copy' }));
    expect(actions.copy).toHaveBeenCalledOnce();
  });

  it('offers a terminal command to copy only', () => {
    show({});
    const empty = section('Pipelines');
    expect(within(empty).queryByRole('button', { name: /Insert/ })).toBeNull();
    expect(empty.textContent).toContain('mlnb run');
  });

  it('says the status of each thing in words too', () => {
    show(FULL);
    const runs = section('Runs');
    expect(within(runs).getByRole('img', { name: 'finished' })).toBeTruthy();
    expect(within(runs).getByRole('img', { name: 'failed' })).toBeTruthy();
    const models = section('Models');
    expect(
      within(models).getByRole('img', { name: 'passed its gate' })
    ).toBeTruthy();
  });

  it('opens a line to its details, and a notebook from there', async () => {
    const { actions } = show(FULL);
    const line = within(section('Runs')).getByRole('button', {
      name: /brave-fox/
    });
    expect(line.getAttribute('aria-expanded')).toBe('false');
    await userEvent.click(line);
    expect(line.getAttribute('aria-expanded')).toBe('true');
    expect(section('Runs').textContent).toContain('flights@3');
    expect(section('Runs').textContent).toContain('uncommitted changes');
    await userEvent.click(
      screen.getByRole('button', { name: 'notebooks/train.ipynb' })
    );
    expect(actions.open).toHaveBeenCalledWith('notebooks/train.ipynb');
  });

  it('gives the code that loads a dataset, with a Python name', async () => {
    const { actions } = show({ datasets: [dataset({ name: 'flights-2013' })] });
    await userEvent.click(
      within(section('Datasets')).getByRole('button', { name: /flights-2013/ })
    );
    await userEvent.click(
      within(section('Datasets')).getByRole('button', { name: /^Insert/ })
    );
    expect(actions.insert).toHaveBeenCalledWith(
      '%dataset load flights-2013@3 --into flights_2013'
    );
  });

  it('shows a running pipeline: step, cell and how far', () => {
    show(FULL);
    const pipelines = section('Pipelines');
    expect(pipelines.textContent).toContain('train[boosting] · cell 4/12');
    const bar = within(pipelines).getByRole('progressbar');
    expect(bar.getAttribute('aria-valuenow')).toBe('63');
  });

  it('names the failed step of a pipeline', () => {
    show({
      pipelines: [
        progress({
          status: 'FAILED',
          ended: '2026-03-01T12:00:00Z',
          steps: [
            step({ name: 'validate', status: 'FAILED', error: 'cell 3: boom' })
          ]
        })
      ]
    });
    expect(section('Pipelines').textContent).toContain(
      'validate failed: cell 3: boom'
    );
    expect(within(section('Pipelines')).queryByRole('progressbar')).toBeNull();
  });

  it('filters every list', async () => {
    show(FULL);
    await userEvent.type(screen.getByRole('searchbox'), 'owl');
    expect(screen.queryByText('brave-fox')).toBeNull();
    expect(screen.getByText('calm-owl')).toBeTruthy();
    expect(section('Runs').textContent).toContain('1 of 2');
    expect(section('Datasets').textContent).toContain('Nothing here matches');
    await userEvent.keyboard('{Escape}');
    expect(screen.getByText('brave-fox')).toBeTruthy();
  });

  it('finds a run by a parameter', async () => {
    show(FULL);
    await userEvent.type(screen.getByRole('searchbox'), 'depth=7 FAILED');
    expect(screen.queryByText('brave-fox')).toBeNull();
    expect(screen.getByText('calm-owl')).toBeTruthy();
  });

  it('is walked with the arrow keys', () => {
    show(FULL);
    const filter = screen.getByRole('searchbox');
    filter.focus();
    fireEvent.keyDown(filter, { key: 'ArrowDown' });
    expect(document.activeElement?.textContent).toContain('Runs');
    fireEvent.keyDown(document.activeElement as Element, { key: 'ArrowDown' });
    expect(document.activeElement?.textContent).toContain('brave-fox');
    fireEvent.keyDown(document.activeElement as Element, { key: 'ArrowUp' });
    expect(document.activeElement?.textContent).toContain('Runs');
    fireEvent.keyDown(document.activeElement as Element, { key: 'End' });
    expect(document.activeElement?.textContent).toContain('flights');
  });

  it('shows what went wrong and what to do, beside what is known', () => {
    show(FULL, {
      problem: { error: 'NetworkError', message: 'Gone.', fix: 'Wait a bit.' }
    });
    const alert = screen.getByRole('alert');
    expect(alert.textContent).toContain('Gone.');
    expect(alert.textContent).toContain('Wait a bit.');
    expect(screen.getByText('brave-fox')).toBeTruthy();
  });

  it('shows the problem of one list in that list only', () => {
    show({
      problems: {
        endpoints: {
          error: 'MissingExtra',
          message: "This needs 'uvicorn'.",
          fix: "Run: pip install 'mlnb[serving]'"
        }
      }
    });
    expect(within(section('Endpoints')).getByRole('alert').textContent).toMatch(
      /pip install/
    );
    expect(section('Endpoints').textContent).not.toContain('%deploy');
    expect(screen.getAllByRole('alert')).toHaveLength(1);
  });

  it('folds a section', async () => {
    show(FULL);
    const fold = within(section('Runs')).getByRole('button', { name: /^Runs/ });
    await userEvent.click(fold);
    expect(fold.getAttribute('aria-expanded')).toBe('false');
    expect(
      within(section('Runs')).queryByRole('button', { name: /brave-fox/ })
    ).toBeNull();
  });

  it('refreshes on request', async () => {
    const { refresh } = show(FULL);
    await userEvent.click(screen.getByRole('button', { name: 'Refresh' }));
    expect(refresh).toHaveBeenCalledOnce();
  });

  it('shows a metric that is no number', async () => {
    // JSON has no NaN: the server sends null
    const broken = { loss: null } as unknown as { [name: string]: number };
    show({
      runs: [run({ metrics: broken })],
      models: [model({ metrics: broken })]
    });
    expect(section('Models').textContent).toContain('loss n/a');
    await userEvent.click(screen.getByRole('button', { name: /brave-fox/ }));
    expect(section('Runs').textContent).toContain('n/a');
  });

  it('never takes text from a record as markup', () => {
    const { root } = show({
      runs: [run({ name: '<img src=x onerror=alert(1)>' })]
    });
    expect(root.querySelector('img')).toBeNull();
  });
});
