import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from './api';
import { MlnbModel } from './model';
import type { Change } from './records';
import {
  datasetLine,
  FakeServer,
  progress,
  runLine,
  step
} from './testing/samples';
import { SECTIONS } from './tokens';

function change(part: Partial<Change>): Change {
  return {
    folder: '',
    sections: [],
    pipelines: [],
    jobs: [],
    revision: 1001,
    ...part
  };
}

describe('MlnbModel', () => {
  let server: FakeServer;
  let model: MlnbModel;

  beforeEach(() => {
    vi.useFakeTimers({ now: new Date('2026-03-01T12:00:00Z') });
    server = new FakeServer();
    server.rows.runs = [runLine()];
    server.rows.pipelines = [progress({ updated: '2026-03-01T11:59:00Z' })];
    model = new MlnbModel(server);
  });

  afterEach(() => {
    model.dispose();
    vi.useRealTimers();
  });

  const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1000);
  const show = async (): Promise<void> => {
    model.visible = true;
    await settle();
  };

  it('asks for nothing while nobody looks', async () => {
    await vi.advanceTimersByTimeAsync(120_000);
    expect(server.asked).toEqual([]);
    model.receive(change({ sections: ['runs'] }));
    await settle();
    expect(server.asked).toEqual([]);
  });

  it('asks for the project and every list when somebody looks', async () => {
    await show();
    expect(model.state.project?.name).toBe('flight-delays');
    expect(model.lists.runs.at(0)?.name).toBe('brave-fox');
    for (const section of SECTIONS) {
      expect(server.count(section)).toBeGreaterThan(0);
    }
  });

  it('has the beginnings of the lists before somebody looks', async () => {
    await model.prepare();
    await settle();
    expect(model.lists.runs.at(0)?.name).toBe('brave-fox');
    expect(model.state.project?.name).toBe('flight-delays');
    const asked = server.asked.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.asked).toHaveLength(asked);
  });

  it('asks again for a list that the server says has changed', async () => {
    await show();
    server.asked = [];
    server.rows.datasets = [datasetLine()];
    model.receive(change({ sections: ['datasets'] }));
    await settle();
    expect(server.asked.map(asked => asked.name)).toEqual(['datasets']);
    expect(model.lists.datasets.at(0)?.name).toBe('flights');
  });

  it('asks a few times a second at most, however much changes', async () => {
    await show();
    server.asked = [];
    for (let number = 0; number < 200; number++) {
      model.receive(change({ sections: ['runs'] }));
      await vi.advanceTimersByTimeAsync(5);
    }
    expect(server.count('runs')).toBeLessThanOrEqual(4);
    expect(server.count('runs')).toBeGreaterThan(0);
  });

  it('takes the progress of a pipeline run as pushed', async () => {
    await show();
    server.asked = [];
    const [first] = server.rows.pipelines;
    const pushed = progress({
      ...first,
      updated: '2026-03-01T12:00:00Z',
      steps: [step({ cells_done: 5 })]
    });
    model.receive(change({ pipelines: [pushed] }));
    expect(model.lists.pipelines.at(0)?.steps[0]?.cells_done).toBe(5);
    model.receive(
      change({ pipelines: [{ ...pushed, updated: '2026-03-01T11:00:00Z' }] })
    );
    expect(model.lists.pipelines.at(0)?.updated).toBe(pushed.updated);
    await settle();
    expect(server.asked).toEqual([]);
  });

  it('asks for the list when a pipeline run has begun', async () => {
    await show();
    server.asked = [];
    model.receive(change({ pipelines: [progress({ id: 'new' })] }));
    await settle();
    expect(server.asked.map(asked => asked.name)).toEqual(['pipelines']);
  });

  it('does not mind what happens in another project', async () => {
    await show();
    server.asked = [];
    const pushed = vi.fn();
    model.pushed.connect(pushed);
    model.receive(change({ folder: 'hotels', sections: ['runs'] }));
    await settle();
    expect(server.asked).toEqual([]);
    expect(pushed).toHaveBeenCalledOnce();
  });

  it('finds what a lost socket did not bring', async () => {
    await show();
    server.asked = [];
    server.rows.runs = [runLine({ name: 'calm-owl' })];
    server.change = { sections: ['runs'] };
    server.revision = 1007;
    const pushed = vi.fn();
    model.pushed.connect(pushed);
    await vi.advanceTimersByTimeAsync(6000);
    expect(server.asked[0]).toMatchObject({ name: 'changes', seen: 1000 });
    expect(model.lists.runs.at(0)?.name).toBe('calm-owl');
    expect(pushed).toHaveBeenCalled();
    server.change = {};
    await vi.advanceTimersByTimeAsync(5000);
    expect(server.asked.at(-1)).toMatchObject({ name: 'changes', seen: 1007 });
  });

  it('asks for all again at the interval that was set', async () => {
    await show();
    model.refreshInterval = 60;
    server.asked = [];
    await vi.advanceTimersByTimeAsync(50_000);
    expect(server.count('runs')).toBe(0);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(server.count('runs')).toBe(1);
  });

  it('says what went wrong, keeps what it knows, and is soon back', async () => {
    await show();
    server.error = new ApiError('NetworkError', 'Gone.', 'Wait.');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(model.state.problem?.message).toBe('Gone.');
    expect(model.lists.runs.at(0)?.name).toBe('brave-fox');
    server.error = null;
    server.rows.runs = [runLine({ name: 'after-restart' })];
    await vi.advanceTimersByTimeAsync(12_000);
    expect(model.state.problem).toBeNull();
    expect(model.lists.runs.at(0)?.name).toBe('after-restart');
  });

  it('keeps the problem of one list to that list', async () => {
    server.errors['models'] = new ApiError('StoreUnavailable', 'No.', 'Fix.');
    await show();
    expect(model.lists.models.problem?.message).toBe('No.');
    expect(model.state.problem).toBeNull();
    expect(model.lists.runs.problem).toBeNull();
  });

  it('shows another project when the folder changes', async () => {
    await show();
    server.asked = [];
    model.folder = 'hotels';
    await settle();
    const folders = new Set(server.asked.map(asked => asked['folder']));
    expect(folders).toEqual(new Set(['hotels']));
    expect(server.asked.find(({ name }) => name === 'changes')).toMatchObject({
      seen: 0
    });
  });

  it('drops what is answered about the folder before', async () => {
    let open = (): void => undefined;
    server.gate = new Promise<void>(resolve => (open = resolve));
    model.visible = true;
    await settle();
    model.folder = 'hotels';
    server.gate = null;
    open();
    await settle();
    expect(server.asked.at(-1)?.['folder']).toBe('hotels');
    expect(model.lists.runs.answered?.folder).toBe('hotels');
  });

  it('puts the filter to all lists and an order to one', async () => {
    await show();
    server.asked = [];
    model.query = 'owl';
    model.setOrder('runs', '-metrics.roc_auc');
    await settle();
    for (const section of SECTIONS) {
      const asked = server.asked.filter(({ name }) => name === section).at(-1);
      expect(asked?.['query']).toBe('owl');
      expect(asked?.['order']).toBe(
        section === 'runs' ? '-metrics.roc_auc' : ''
      );
    }
    expect(model.order('runs')).toBe('-metrics.roc_auc');
  });

  it('refreshes on request', async () => {
    await show();
    server.asked = [];
    void model.refresh();
    await settle();
    expect(server.count('runs')).toBe(1);
    expect(server.count('changes')).toBe(1);
  });
});
