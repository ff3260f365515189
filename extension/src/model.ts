/**
 * What the project holds, kept up to date.
 *
 * The server pushes what has changed: a changed list is asked for again, as far as it is looked
 * at; a pipeline run's progress is taken as pushed. Beside that, a small question every few
 * seconds finds what a lost socket did not bring, and a restarted server; and at every interval
 * all is asked for again, for what others do on the same stores.
 */

import { Poll, Throttler } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IApi } from './api';
import { asProblem } from './api';
import { PagedList } from './paged';
import type { Change, PipelineProgress } from './records';
import type { ILists, IMlnbModel, IState, Section } from './tokens';
import { SECTIONS } from './tokens';

const DEFAULT_INTERVAL = 30;
/** Milliseconds between two small questions; with a server that does not answer, at most … */
const LOOK = 5000;
const PATIENCE = 10_000;
/** Milliseconds between two questions for lists that keep changing. */
const LIMIT = 400;

export class MlnbModel implements IMlnbModel {
  constructor(private readonly _api: IApi) {
    this.lists = {
      runs: new PagedList(asked => _api.ask('GET /runs', asked)),
      datasets: new PagedList(asked => _api.ask('GET /datasets', asked)),
      models: new PagedList(asked => _api.ask('GET /models', asked)),
      endpoints: new PagedList(asked => _api.ask('GET /endpoints', asked)),
      pipelines: new PagedList(asked => _api.ask('GET /pipelines', asked))
    };
    this._poll = new Poll({
      name: 'mlnb:changes',
      auto: false,
      factory: () => this._look(),
      standby: () => (this._visible ? 'when-hidden' : true)
    });
    // set afterwards: the constructor knows no patience below thirty seconds
    this._poll.frequency = { interval: LOOK, backoff: true, max: PATIENCE };
    this._expiring = new Throttler(() => this._expire(), {
      limit: LIMIT,
      edge: 'trailing'
    });
    this._put();
  }

  readonly lists: ILists;

  get state(): IState {
    return this._state;
  }

  get changed(): ISignal<IMlnbModel, IState> {
    return this._changed;
  }

  get pushed(): ISignal<IMlnbModel, Change> {
    return this._pushed;
  }

  get folder(): string {
    return this._folder;
  }
  set folder(value: string) {
    if (value === this._folder) {
      return;
    }
    this._folder = value;
    this._seen = 0;
    this._stale.clear();
    this._put();
    void this.refresh();
  }

  get query(): string {
    return this._query;
  }
  set query(value: string) {
    this._query = value;
    this._put();
  }

  get visible(): boolean {
    return this._visible;
  }
  set visible(value: boolean) {
    if (value === this._visible) {
      return;
    }
    this._visible = value;
    for (const section of SECTIONS) {
      this.lists[section].active = value;
    }
    if (value) {
      void this._ask();
    }
  }

  get refreshInterval(): number {
    return this._interval / 1000;
  }
  set refreshInterval(seconds: number) {
    this._interval = seconds * 1000;
  }

  order(section: Section): string {
    return this._orders.get(section) ?? '';
  }

  setOrder(section: Section, order: string): void {
    this._orders.set(section, order);
    this._put();
    this._changed.emit(this._state);
  }

  async prepare(): Promise<void> {
    if (!this._visible && !this._state.project) {
      await this._look().catch(() => undefined); // said when somebody looks
      for (const section of SECTIONS) {
        this.lists[section].prepare();
      }
    }
  }

  async refresh(): Promise<void> {
    if (!this._visible || this.isDisposed) {
      return;
    }
    this._refreshed = 0;
    await this._ask();
  }

  receive(change: Change): void {
    this._pushed.emit(change);
    if (change.folder === this._folder) {
      this._take(change);
    }
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._poll.dispose();
    this._expiring.dispose();
    for (const section of SECTIONS) {
      this.lists[section].dispose();
    }
    Signal.clearData(this);
  }

  private async _ask(): Promise<void> {
    await this._poll.refresh();
    await this._poll.tick.catch(() => undefined);
  }

  /** Put the present question to all lists. */
  private _put(): void {
    const { folder, query } = this;
    for (const section of SECTIONS) {
      const order = this.order(section);
      this.lists[section].put({ folder, query, order });
    }
  }

  /** Ask what has changed; throws so that the poll backs off. */
  private async _look(): Promise<void> {
    const folder = this._folder;
    const seen = this._seen;
    const all = Date.now() - this._refreshed >= this._interval;
    if (all) {
      this._set({ loading: true });
    }
    try {
      const news = await this._api.ask('GET /changes', { folder, seen });
      if (folder !== this._folder) {
        return this._look(); // the answer is about another folder, asked for before
      }
      const isBack = this._state.problem !== null;
      this._set({ project: news.project, problem: null, loading: false });
      this._take(news.change);
      if (all || isBack) {
        this._refreshed = Date.now();
        SECTIONS.forEach(section => this._stale.add(section));
        this._expire();
      }
      if (seen) {
        this._tellMissed({ ...news.change, folder });
      }
    } catch (reason) {
      if (folder !== this._folder) {
        return this._look();
      }
      this._set({ problem: asProblem(reason), loading: false });
      throw reason;
    }
  }

  /** Tell the documents, too, of what was not pushed. */
  private _tellMissed(change: Change): void {
    if (change.sections.length || change.pipelines.length) {
      this._pushed.emit(change);
    }
  }

  private _take(change: Change): void {
    this._seen = Math.max(this._seen, change.revision);
    const { pipelines } = this.lists;
    for (const run of change.pipelines) {
      this._takeProgress(pipelines, run);
    }
    for (const section of change.sections) {
      this._stale.add(section);
    }
    if (this._stale.size) {
      void this._expiring.invoke();
    }
  }

  private _takeProgress(
    list: PagedList<PipelineProgress>,
    run: PipelineProgress
  ): void {
    const known = list.find(item => item.id === run.id);
    if (!known) {
      this._stale.add('pipelines'); // begun just now
      return;
    }
    list.patch(item => (item.id === run.id && isLater(run, item) ? run : null));
  }

  private _expire(): void {
    for (const section of this._stale) {
      this.lists[section].expire();
    }
    this._stale.clear();
  }

  private _set(part: Partial<IState>): void {
    this._state = { ...this._state, ...part };
    this._changed.emit(this._state);
  }

  private _state: IState = { project: null, problem: null, loading: false };
  private readonly _changed = new Signal<IMlnbModel, IState>(this);
  private readonly _pushed = new Signal<IMlnbModel, Change>(this);
  private readonly _poll: Poll;
  private readonly _expiring: Throttler;
  private readonly _stale = new Set<Section>();
  private readonly _orders = new Map<Section, string>();
  /** Up to which revision the server has told. */
  private _seen = 0;
  /** When all was asked for last. */
  private _refreshed = 0;
  private _interval = DEFAULT_INTERVAL * 1000;
  private _folder = '';
  private _query = '';
  private _visible = false;
}

function isLater(run: PipelineProgress, known: PipelineProgress): boolean {
  return (run.updated ?? '') >= (known.updated ?? '');
}
