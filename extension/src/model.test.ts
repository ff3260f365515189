import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { IApi } from './api';
import { ApiError } from './api';
import { MlnbModel } from './model';
import type { Overview } from './records';
import { dataset, overview, progress, run, step } from './testing/samples';
import type { Section } from './tokens';

class FakeServer implements IApi {
  content: Overview = overview();
  error: Error | null = null;
  asked: string[] = [];
  folders: string[] = [];
  /** Answers wait for this when it is set. */
  gate: Promise<void> | null = null;

  async overview(folder: string): Promise<Overview> {
    this.asked.push('overview');
    this.folders.push(folder);
    return this._answer(this.content);
  }

  async list<S extends Section>(section: S): Promise<Overview[S]> {
    this.asked.push(section);
    return this._answer(this.content[section]);
  }

  private async _answer<T>(content: T): Promise<T> {
    const { error, gate } = this;
    await gate;
    if (error) {
      throw error;
    }
    return content;
  }
}

function gate(): { open: () => void; closed: Promise<void> } {
  let open = (): void => undefined;
  const closed = new Promise<void>(resolve => (open = resolve));
  return { open, closed };
}

describe('MlnbModel', () => {
  let server: FakeServer;
  let model: MlnbModel;

  beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    model = new MlnbModel(server);
  });

  afterEach(() => {
    model.dispose();
    vi.useRealTimers();
  });

  const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(10);

  async function show(): Promise<void> {
    model.visible = true;
    await settle();
  }

  it('asks nothing while nobody looks', async () => {
    await vi.advanceTimersByTimeAsync(120_000);
    model.receive({ folder: '', sections: ['runs'], pipelines: [] });
    await model.refresh();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(server.asked).toEqual([]);
  });

  it('reads everything when it is shown, then at every interval', async () => {
    server.content = overview({ runs: [run()] });
    await show();
    expect(model.state.overview?.runs).toHaveLength(1);
    expect(model.state.loading).toBe(false);
    model.refreshInterval = 60;
    await vi.advanceTimersByTimeAsync(60_000);
    const before = server.asked.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.asked.length).toBe(before + 1);
    model.visible = false;
    await vi.advanceTimersByTimeAsync(200_000);
    expect(server.asked.length).toBe(before + 1);
  });

  it('fetches only the lists that changed, once for a burst', async () => {
    await show();
    server.asked = [];
    server.content = overview({ datasets: [dataset()], runs: [run()] });
    model.receive({ folder: '', sections: ['datasets'], pipelines: [] });
    model.receive({ folder: '', sections: ['datasets'], pipelines: [] });
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.asked).toEqual(['datasets']);
    expect(model.state.overview?.datasets).toEqual([dataset()]);
    expect(model.state.overview?.runs).toEqual([]);
  });

  it('takes progress as pushed, newest run first', async () => {
    server.content = overview({ pipelines: [progress({ id: 'old' })] });
    await show();
    server.asked = [];
    const half = progress({ id: 'new', steps: [step({ cells_done: 1 })] });
    model.receive({ folder: '', sections: [], pipelines: [half] });
    expect(model.state.overview?.pipelines.map(p => p.id)).toEqual([
      'new',
      'old'
    ]);
    const done = progress({ id: 'new', status: 'FINISHED' });
    model.receive({ folder: '', sections: [], pipelines: [done] });
    expect(model.state.overview?.pipelines[0]?.status).toBe('FINISHED');
    expect(server.asked).toEqual([]);
  });

  it('does not let a late snapshot undo pushed progress', async () => {
    await show();
    const { open, closed } = gate();
    server.gate = closed;
    server.content = overview({
      pipelines: [progress({ id: 'p', steps: [step({ cells_done: 1 })] })]
    });
    const refreshing = model.refresh();
    await settle();
    model.receive({
      folder: '',
      sections: [],
      pipelines: [progress({ id: 'p', steps: [step({ cells_done: 5 })] })]
    });
    open();
    await settle();
    await refreshing;
    expect(model.state.overview?.pipelines[0]?.steps[0]?.cells_done).toBe(5);
  });

  it('does not let a late snapshot undo a newer list', async () => {
    await show();
    const { open, closed } = gate();
    server.gate = closed;
    void model.refresh();
    await settle();
    server.gate = null;
    server.content = overview({ datasets: [dataset()] });
    model.receive({ folder: '', sections: ['datasets'], pipelines: [] });
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.state.overview?.datasets).toHaveLength(1);
    open();
    await settle();
    expect(model.state.overview?.datasets).toHaveLength(1);
  });

  it('keeps what it knew when the server fails, and says why', async () => {
    server.content = overview({ runs: [run()] });
    await show();
    server.error = new ApiError('NetworkError', 'It is gone.', 'Wait.');
    const refreshing = model.refresh();
    await settle();
    await refreshing;
    expect(model.state.problem).toEqual({
      error: 'NetworkError',
      message: 'It is gone.',
      fix: 'Wait.'
    });
    expect(model.state.loading).toBe(false);
    expect(model.state.overview?.runs).toHaveLength(1);
    server.error = null;
    await vi.advanceTimersByTimeAsync(300_000);
    expect(model.state.problem).toBeNull();
  });

  it('says why one list could not be fetched, until it can', async () => {
    server.content = overview({ runs: [run()] });
    await show();
    server.error = new ApiError('TrackingUnavailable', 'No tracking.', '');
    model.receive({ folder: '', sections: ['runs'], pipelines: [] });
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.state.overview?.problems.runs?.message).toBe('No tracking.');
    expect(model.state.overview?.runs).toHaveLength(1);
    server.error = null;
    model.receive({ folder: '', sections: ['runs'], pipelines: [] });
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.state.overview?.problems).toEqual({});
  });

  it('remembers what was pushed while the first snapshot was under way', async () => {
    const { open, closed } = gate();
    server.gate = closed;
    model.visible = true;
    await settle();
    model.receive({
      folder: '',
      sections: [],
      pipelines: [progress({ id: 'early' })]
    });
    open();
    await settle();
    expect(model.state.overview?.pipelines.map(p => p.id)).toEqual(['early']);
  });

  it('shows the project of another folder, and nothing of the old one', async () => {
    server.content = overview({ runs: [run()] });
    await show();
    const { open, closed } = gate();
    server.gate = closed;
    const refreshing = model.refresh();
    await settle();
    server.gate = null;
    server.content = overview({ datasets: [dataset()] });
    model.folder = 'hotels';
    await vi.advanceTimersByTimeAsync(1000);
    open();
    await settle();
    await refreshing;
    expect(server.folders.at(-1)).toBe('hotels');
    expect(model.state.overview?.runs).toEqual([]);
    expect(model.state.overview?.datasets).toHaveLength(1);
    const asked = server.asked.length;
    model.receive({
      folder: '',
      sections: ['runs'],
      pipelines: [progress({ id: 'of the old folder' })]
    });
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.asked.length).toBe(asked);
    expect(model.state.overview?.pipelines).toEqual([]);
  });

  it('asks for a folder once it is looked at', async () => {
    model.folder = 'hotels';
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.asked).toEqual([]);
    await show();
    expect(server.folders).toEqual(['hotels']);
  });
});
