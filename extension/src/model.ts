/**
 * What the project holds, kept up to date.
 *
 * A full snapshot is the truth: it is fetched when the panel is shown, at every interval while it
 * is visible, and on request. In between, the server pushes changes: a changed list is fetched
 * again, a pipeline run's progress is taken as pushed.
 */

import { Debouncer, Poll } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IApi } from './api';
import { asProblem } from './api';
import type { Change, Overview, PipelineProgress } from './records';
import type { IMlnbModel, IState, Section } from './tokens';

const DEFAULT_INTERVAL = 30;
const DEBOUNCE = 250;

interface IPushed {
  progress: PipelineProgress;
  at: number;
}

export class MlnbModel implements IMlnbModel {
  constructor(private readonly _api: IApi) {
    this._poll = new Poll({
      name: 'mlnb:overview',
      auto: false,
      factory: () => this._load(),
      frequency: this._frequency(DEFAULT_INTERVAL),
      standby: () => (this._visible ? 'when-hidden' : true)
    });
    this._lists = new Debouncer(() => this._fetchStale(), DEBOUNCE);
  }

  get state(): IState {
    return this._state;
  }

  get changed(): ISignal<IMlnbModel, IState> {
    return this._changed;
  }

  get folder(): string {
    return this._folder;
  }
  set folder(value: string) {
    if (value === this._folder) {
      return;
    }
    this._folder = value;
    this._clock++;
    this._epoch = this._clock;
    this._pushed.clear();
    this._stale.clear();
    void this.refresh();
  }

  get visible(): boolean {
    return this._visible;
  }
  set visible(value: boolean) {
    if (value === this._visible) {
      return;
    }
    this._visible = value;
    if (value) {
      void this.refresh();
    }
  }

  get refreshInterval(): number {
    return this._poll.frequency.interval / 1000;
  }
  set refreshInterval(seconds: number) {
    this._poll.frequency = this._frequency(seconds);
  }

  async refresh(): Promise<void> {
    if (!this._visible || this.isDisposed) {
      return;
    }
    await this._poll.refresh();
    await this._poll.tick.catch(() => undefined);
  }

  receive(change: Change): void {
    if (change.folder !== this._folder) {
      return;
    }
    const at = ++this._clock;
    for (const progress of change.pipelines) {
      this._pushed.set(progress.id, { progress, at });
    }
    if (change.pipelines.length && this._state.overview) {
      this._merge({ pipelines: this._state.overview.pipelines }, at - 1);
    }
    for (const section of change.sections) {
      this._stale.add(section);
    }
    if (this._stale.size && this._visible) {
      void this._lists.invoke();
    }
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._poll.dispose();
    this._lists.dispose();
    Signal.clearData(this);
  }

  private _frequency(seconds: number): Poll['frequency'] {
    return { interval: seconds * 1000, backoff: true, max: 300 * 1000 };
  }

  /** Fetch the snapshot; throws so that the poll backs off. */
  private async _load(): Promise<void> {
    const asked = ++this._clock;
    this._set({ loading: true });
    try {
      const overview = await this._api.overview(this._folder);
      if (asked < this._epoch) {
        return this._load(); // the answer is about another folder, asked for before
      }
      this._stale.clear();
      this._set({ problem: null, loading: false });
      this._merge(overview, asked);
    } catch (reason) {
      if (asked < this._epoch) {
        return this._load();
      }
      this._set({ problem: asProblem(reason), loading: false });
      throw reason;
    }
  }

  /** Fetch the lists that the server said have changed. */
  private async _fetchStale(): Promise<void> {
    const sections = [...this._stale];
    this._stale.clear();
    await Promise.all(sections.map(section => this._fetch(section)));
  }

  private async _fetch(section: Section): Promise<void> {
    const asked = ++this._clock;
    try {
      const list = await this._api.list(section, this._folder);
      this._merge({ [section]: list, problems: {} }, asked, section);
    } catch (reason) {
      this._merge({ problems: { [section]: asProblem(reason) } }, asked);
    }
  }

  /**
   * Take in an answer, unless a list of it has been answered to a later question already.
   *
   * @param answer - All or some of the lists.
   * @param asked - When the question was put.
   * @param healed - A section whose earlier problem this answer ends.
   */
  private _merge(
    answer: Partial<Overview>,
    asked: number,
    healed?: Section
  ): void {
    if (asked < this._epoch) {
      return;
    }
    const before = this._state.overview;
    const complete = answer.project !== undefined;
    if (!before && !complete) {
      return;
    }
    const fresh = Object.fromEntries(
      Object.entries(answer).filter(([key]) => this._isNews(key, asked))
    ) as Partial<Overview>;
    const overview = { ...before, ...fresh } as Overview;
    if (!complete && before) {
      const problems = { ...before.problems, ...answer.problems };
      if (healed) {
        delete problems[healed];
      }
      overview.problems = problems;
    }
    overview.pipelines = this._withPushed(overview.pipelines, asked);
    this._set({ overview });
  }

  private _isNews(key: string, asked: number): boolean {
    if ((this._answered.get(key) ?? 0) > asked) {
      return false;
    }
    this._answered.set(key, asked);
    return true;
  }

  /** Runs as pushed since the question was put, before the others; newest first. */
  private _withPushed(
    listed: PipelineProgress[],
    asked: number
  ): PipelineProgress[] {
    const later = [...this._pushed.values()].filter(item => item.at > asked);
    const byId = new Map(later.map(item => [item.progress.id, item.progress]));
    const known = new Set(listed.map(item => item.id));
    return [
      ...later
        .map(item => item.progress)
        .filter(item => !known.has(item.id))
        .reverse(),
      ...listed.map(item => byId.get(item.id) ?? item)
    ];
  }

  private _set(part: Partial<IState>): void {
    this._state = { ...this._state, ...part };
    this._changed.emit(this._state);
  }

  private _state: IState = { overview: null, problem: null, loading: false };
  private readonly _changed = new Signal<IMlnbModel, IState>(this);
  private readonly _poll: Poll;
  private readonly _lists: Debouncer;
  private readonly _stale = new Set<Section>();
  private readonly _pushed = new Map<string, IPushed>();
  private readonly _answered = new Map<string, number>();
  private _clock = 0;
  /** When the present folder was chosen; answers to earlier questions are of another project. */
  private _epoch = 0;
  private _folder = '';
  private _visible = false;
}
