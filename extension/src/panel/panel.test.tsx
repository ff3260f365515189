import { act, fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import {
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  type Mock,
  vi
} from 'vitest';

import { ApiError } from '../api';
import { MlnbModel } from '../model';
import type { IActions } from '../notebook';
import {
  datasetLine,
  endpoint,
  FakeServer,
  modelLine,
  progress,
  runLine,
  step
} from '../testing/samples';
import { SECTIONS } from '../tokens';
import { PanelLayout } from './layout';
import { Panel } from './panel';
import { Selection } from './selection';
import type { ISide } from './side';

/** Pixels of every list; jsdom lays nothing out. */
const HEIGHT = 460;

beforeAll(() => {
  for (const name of ['offsetHeight', 'offsetWidth'] as const) {
    Object.defineProperty(HTMLElement.prototype, name, { get: () => HEIGHT });
  }
  Element.prototype.scrollTo = function (where?: ScrollToOptions | number) {
    this.scrollTop = typeof where === 'object' ? (where.top ?? 0) : 0;
    this.dispatchEvent(new Event('scroll'));
  };
});

interface IShown {
  server: FakeServer;
  model: MlnbModel;
  side: ISide;
  actions: { [name in keyof IActions]: Mock };
  order: Mock;
  root: HTMLElement;
}

const models: MlnbModel[] = [];
afterEach(() => models.splice(0).forEach(model => model.dispose()));

async function show(
  rows: Partial<FakeServer['rows']>,
  prepare: (server: FakeServer) => void = () => undefined
): Promise<IShown> {
  const server = new FakeServer();
  Object.assign(server.rows, rows);
  prepare(server);
  const model = new MlnbModel(server);
  models.push(model);
  const actions = {
    insert: vi.fn(),
    copy: vi.fn(),
    open: vi.fn(),
    openDocument: vi.fn(),
    openExecuted: vi.fn(),
    perform: vi.fn()
  };
  const order = vi.fn();
  const selections = Object.fromEntries(
    SECTIONS.map(section => [section, new Selection()])
  ) as unknown as ISide['selections'];
  const side = {
    model,
    layout: new PanelLayout(),
    selections,
    menus: { order }
  };
  const { container } = render(<Panel side={side} actions={actions} />);
  model.visible = true;
  await settle();
  return { server, model, side, actions, order, root: container };
}

async function settle(milliseconds = 20): Promise<void> {
  await act(async () => {
    await new Promise(resolve => window.setTimeout(resolve, milliseconds));
  });
}

const FULL: Partial<FakeServer['rows']> = {
  runs: [
    runLine(),
    runLine({ id: 'x', name: 'calm-owl', status: 'FAILED', error: 'boom' }),
    runLine({ id: 'y', name: 'shy-bear', metrics: {} })
  ],
  datasets: [datasetLine()],
  models: [modelLine()],
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

const MANY = Array.from({ length: 3000 }, (_, place) =>
  runLine({ id: `id-${place}`, name: `run-${place}` })
);

function section(name: string): HTMLElement {
  const heading = screen.getByRole('heading', { name: new RegExp(name) });
  const found = heading.closest('section');
  expect(found).not.toBeNull();
  return found as HTMLElement;
}

function row(name: RegExp | string): HTMLElement {
  return screen.getByRole('option', { name });
}

function press(key: string, more: object = {}): void {
  fireEvent.keyDown(document.activeElement as Element, { key, ...more });
}

describe('the panel', () => {
  it('says that it reads before it knows anything', () => {
    const model = new MlnbModel(new FakeServer());
    models.push(model);
    const side = { model, layout: new PanelLayout() };
    render(
      <Panel
        side={side as unknown as ISide}
        actions={{} as unknown as IActions}
      />
    );
    expect(screen.getByRole('status').textContent).toContain('Reading');
  });

  it('shows all sections in the order in which data flows', async () => {
    const { root } = await show(FULL);
    const ids = [...root.querySelectorAll('[data-mlnb-section]')].map(node =>
      node.getAttribute('data-mlnb-section')
    );
    expect(ids).toEqual([...SECTIONS]);
    expect(screen.getByRole('heading', { level: 2 }).textContent).toBe(
      'flight-delays'
    );
  });

  it('teaches the first command where there is nothing', async () => {
    const { actions } = await show({});
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

  it('offers a terminal command to copy only', async () => {
    await show({});
    const empty = section('Pipelines');
    expect(within(empty).queryByRole('button', { name: /Insert/ })).toBeNull();
    expect(empty.textContent).toContain('mlnb run');
  });

  it('says the status of each thing in words too', async () => {
    await show(FULL);
    const runs = section('Runs');
    expect(within(runs).getAllByRole('img', { name: 'finished' })).toHaveLength(
      2
    );
    expect(within(runs).getByRole('img', { name: 'failed' })).toBeTruthy();
    expect(runs.textContent).toContain('boom');
    expect(
      within(section('Models')).getByRole('img', { name: 'passed its gate' })
    ).toBeTruthy();
  });

  it.each([
    ['brave-fox', 'run', 'a1b2c3'],
    ['late-arrivals', 'model', 'late-arrivals@2'],
    ['train\\[boosting', 'pipeline', 'flights-1']
  ])('opens the document of %s by a click', async (name, kind, id) => {
    const { actions } = await show(FULL);
    await userEvent.click(row(new RegExp(name)));
    expect(actions.openDocument).toHaveBeenCalledExactlyOnceWith(kind, id);
  });

  it('shows a running pipeline: step, cell and how far', async () => {
    await show(FULL);
    const pipelines = section('Pipelines');
    expect(pipelines.textContent).toContain('train[boosting] · cell 4/12');
    const bar = within(pipelines).getByRole('progressbar');
    expect(bar.getAttribute('aria-valuenow')).toBe('63');
  });

  it('names the failed step of a pipeline', async () => {
    await show({
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

  it('shows what went wrong and what to do, beside what is known', async () => {
    const { server, model } = await show(FULL);
    server.error = new ApiError('NetworkError', 'Gone.', 'Wait a bit.');
    void model.refresh();
    await settle();
    const alert = screen.getByRole('alert');
    expect(alert.textContent).toContain('Gone.');
    expect(alert.textContent).toContain('Wait a bit.');
    expect(screen.getByText('brave-fox')).toBeTruthy();
  });

  it('shows the problem of one list in that list only', async () => {
    await show(FULL, server => {
      server.errors['endpoints'] = new ApiError(
        'MissingExtra',
        "This needs 'uvicorn'.",
        "Run: pip install 'mlnb[serving]'"
      );
    });
    expect(within(section('Endpoints')).getByRole('alert').textContent).toMatch(
      /pip install/
    );
    expect(section('Endpoints').textContent).not.toContain('%deploy');
    expect(screen.getAllByRole('alert')).toHaveLength(1);
  });

  it('refreshes on request', async () => {
    const { server } = await show(FULL);
    const before = server.count('runs');
    await userEvent.click(screen.getByRole('button', { name: 'Refresh' }));
    await settle();
    expect(server.count('runs')).toBe(before + 1);
  });

  it('shows a metric that is no number', async () => {
    // JSON has no NaN: the server sends null
    const metrics = { loss: null } as unknown as { [name: string]: number };
    await show({
      runs: [runLine({ metrics })],
      models: [modelLine({ metrics })]
    });
    expect(section('Models').textContent).toContain('loss n/a');
    expect(section('Runs').textContent).toContain('loss n/a');
  });

  it('never takes text from a record as markup', async () => {
    const { root } = await show({
      runs: [runLine({ name: '<img src=x onerror=alert(1)>', error: '<b>x' })]
    });
    expect(root.querySelector('img, b')).toBeNull();
  });
});

describe('the filter', () => {
  it('is answered by the server, for every list', async () => {
    const { server } = await show(FULL);
    await userEvent.type(screen.getByRole('searchbox'), 'owl');
    await settle(300);
    expect(screen.queryByText('brave-fox')).toBeNull();
    expect(screen.getByText('calm-owl')).toBeTruthy();
    expect(section('Datasets').textContent).toContain('Nothing here matches');
    for (const name of SECTIONS) {
      const asked = server.asked.filter(one => one.name === name);
      expect(asked.at(-1)?.['query']).toBe('owl');
    }
    await userEvent.keyboard('{Escape}');
    await settle(300);
    expect(screen.getByText('brave-fox')).toBeTruthy();
  });

  it('takes what is typed on a row', async () => {
    await show(FULL);
    row(/brave-fox/).focus();
    press('o');
    const filter: HTMLInputElement = screen.getByRole('searchbox');
    expect(document.activeElement).toBe(filter);
    expect(filter.value).toBe('o');
  });
});

describe('a list', () => {
  it('has only the rows in view, and says how many there are', async () => {
    await show({ runs: MANY });
    const options = screen.getAllByRole('option');
    expect(options.length).toBeGreaterThan(10);
    expect(options.length).toBeLessThan(60);
    expect(options[0]?.getAttribute('aria-setsize')).toBe('3000');
    expect(section('Runs').textContent).toContain('3,000');
  });

  it('is walked by the keyboard, one stop for Tab', async () => {
    const { actions } = await show({ runs: MANY });
    const stops = screen
      .getAllByRole('option')
      .filter(option => option.tabIndex === 0);
    expect(stops).toHaveLength(1);
    row(/\brun-0\b/).focus();
    press('ArrowDown');
    press('ArrowDown');
    expect(document.activeElement?.textContent).toContain('run-2');
    press('Enter');
    expect(actions.openDocument).toHaveBeenCalledWith('run', 'id-2');
    press('End');
    await settle(200);
    expect(document.activeElement?.getAttribute('aria-posinset')).toBe('3000');
    press('Home');
    await settle();
    expect(document.activeElement?.textContent).toContain('run-0');
    press('PageDown');
    const place = Number(document.activeElement?.getAttribute('aria-posinset'));
    expect(place).toBeGreaterThan(5);
    expect(place).toBeLessThan(20);
  });

  it('is left upwards and downwards', async () => {
    await show(FULL);
    const filter = screen.getByRole('searchbox');
    filter.focus();
    press('ArrowDown');
    expect(document.activeElement?.textContent).toContain('Runs');
    press('ArrowDown');
    expect(document.activeElement?.textContent).toContain('brave-fox');
    press('ArrowUp');
    expect(document.activeElement?.textContent).toContain('Runs');
    press('ArrowDown');
    press('End');
    press('ArrowDown');
    expect(document.activeElement?.textContent).toContain('Datasets');
  });

  it('opens its menu by the keyboard', async () => {
    await show(FULL);
    const opened = vi.fn();
    document.addEventListener('contextmenu', opened, { once: true });
    row(/calm-owl/).focus();
    press('F10', { shiftKey: true });
    expect(opened).toHaveBeenCalledOnce();
    document.addEventListener('contextmenu', opened, { once: true });
    press('ContextMenu');
    expect(opened).toHaveBeenCalledTimes(2);
  });

  it('offers to compare runs that are selected', async () => {
    const { actions } = await show(FULL);
    expect(screen.queryByRole('button', { name: /Compare/ })).toBeNull();
    row(/brave-fox/).focus();
    press(' ');
    press('ArrowDown', { shiftKey: true });
    expect(row(/calm-owl/).getAttribute('aria-selected')).toBe('true');
    fireEvent.click(row(/shy-bear/), { ctrlKey: true });
    await userEvent.click(screen.getByRole('button', { name: 'Compare 3' }));
    expect(actions.openDocument).toHaveBeenCalledExactlyOnceWith(
      'compare',
      'a1b2c3,x,y'
    );
    row(/brave-fox/).focus();
    press('Escape');
    expect(screen.queryByRole('button', { name: /Compare/ })).toBeNull();
  });

  it('selects a range with Shift', async () => {
    const { side, actions } = await show({ runs: MANY });
    fireEvent.click(row(/\brun-2\b/), { ctrlKey: true });
    fireEvent.click(row(/\brun-5\b/), { shiftKey: true });
    expect(side.selections.runs.keys).toEqual(['id-2', 'id-3', 'id-4', 'id-5']);
    expect(actions.openDocument).not.toHaveBeenCalled();
  });

  it('is ordered by a menu of its own', async () => {
    const { order } = await show(FULL);
    await userEvent.click(
      screen.getByRole('button', { name: 'Order of Runs' })
    );
    expect(order).toHaveBeenCalledWith('runs', expect.any(HTMLElement));
  });

  it('folds', async () => {
    const { side } = await show(FULL);
    const fold = within(section('Runs')).getByRole('button', { name: /^Runs/ });
    await userEvent.click(fold);
    expect(fold.getAttribute('aria-expanded')).toBe('false');
    expect(screen.queryByText('brave-fox')).toBeNull();
    expect(side.layout.isFolded('runs')).toBe(true);
  });

  it('keeps the focus on its row when rows come and go', async () => {
    const { server, model } = await show(FULL);
    row(/calm-owl/).focus();
    server.rows.runs = [runLine({ id: 'new', name: 'new-one' }), ...MANY];
    void model.refresh();
    await settle(100);
    expect(document.activeElement?.getAttribute('role')).toBe('option');
  });
});
