/**
 * One list of the project, page by page: what is looked at is asked for, and a little around it,
 * so that scrolling meets rows that are there.
 */

import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { asProblem } from './api';
import type { Problem } from './records';

/** Rows of a page. */
export const PAGE = 100;
/** Pages that are asked for before and behind those that are looked at. */
const AROUND = 2;
const AT_ONCE = 2;
/** A list of up to so many rows is fetched to its end while nobody waits for anything else. */
const WHOLE = 20_000;
/** Milliseconds between two such pages. */
const PAUSE = 40;

export interface IQuestion {
  folder: string;
  query: string;
  order: string;
}

export interface IPage<T> {
  items: T[];
  /** How many rows there are; null where a server does not say. */
  total: number | null;
  notice?: string;
  metrics?: string[];
}

/** Asks the server for a page. */
export type Ask<T> = (
  asked: IQuestion & { offset: number; limit: number }
) => Promise<IPage<T>>;

interface IHeld<T> {
  items: T[];
  /** When it was asked for. */
  asked: number;
}

export class PagedList<T> implements IDisposable {
  constructor(private readonly _ask: Ask<T>) {}

  /** Emitted when rows, their number or the problem have changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** How many rows there are; null before the first answer. */
  get total(): number | null {
    return this._total;
  }

  /** Why the last question was not answered, if it was not. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** What the reader must know about the answer. */
  get notice(): string {
    return this._notice;
  }

  /** Names of metrics that the rows can be ordered by. */
  get metrics(): readonly string[] {
    return this._metrics;
  }

  /** What the rows at hand answer; not yet what was asked last, while that is on its way. */
  get answered(): IQuestion | null {
    return this._answered;
  }

  /** Whether anybody looks; nothing is fetched while nobody does. */
  get active(): boolean {
    return this._active;
  }
  set active(value: boolean) {
    this._active = value;
    this._pump();
  }

  /** The row at a place, if it is here already. */
  at(index: number): T | undefined {
    return this._pages.get(Math.floor(index / PAGE))?.items[index % PAGE];
  }

  /** The first row for which something holds, among those that are here. */
  find(holds: (item: T) => boolean): T | undefined {
    for (const page of this._pages.values()) {
      const found = page.items.find(holds);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  /** Put a question; until it is answered, the rows stay those of the one before. */
  put(question: IQuestion): void {
    const before = this._question;
    if (
      before?.folder === question.folder &&
      before.query === question.query &&
      before.order === question.order
    ) {
      return;
    }
    this._question = question;
    this._epoch = ++this._clock;
    this._since = this._epoch;
    this._first = this._last = 0;
    this._failed = false;
    this._pump();
  }

  /** Say which rows are looked at. */
  want(first: number, last: number): void {
    if (first === this._first && last === this._last) {
      return;
    }
    this._first = Math.max(0, first);
    this._last = Math.max(this._first, last);
    this._pump();
  }

  /** Say that rows may have changed: those that are looked at are asked for again. */
  expire(): void {
    this._since = ++this._clock;
    this._failed = false;
    this._pump();
  }

  /** Fetch the first page, even if nobody looks yet. */
  prepare(): void {
    if (this._total === null && !this._asking.size) {
      void this._fetch(0);
    }
  }

  /** Change rows that are here; null leaves one as it is. */
  patch(change: (item: T) => T | null): void {
    let changed = false;
    for (const [number, page] of this._pages) {
      const items = page.items.map(item => change(item) ?? item);
      if (items.some((item, place) => item !== page.items[place])) {
        this._pages.set(number, { ...page, items });
        changed = true;
      }
    }
    if (changed) {
      this._changed.emit();
    }
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    Signal.clearData(this);
  }

  /** Ask for what is wanted most, as far as it is not on its way. */
  private _pump(): void {
    if (!this._active || this._failed || this._isDisposed || !this._question) {
      return;
    }
    while (this._asking.size < AT_ONCE) {
      const next = this._wanted();
      if (next === null) {
        this._fillLater();
        return;
      }
      void this._fetch(next);
    }
  }

  /** The page that is wanted most: looked at, then near, nearest first. */
  private _wanted(): number | null {
    if (this._isNew()) {
      return this._asking.has(0) ? null : 0;
    }
    const from = Math.floor(this._first / PAGE);
    const to = Math.min(Math.floor(this._last / PAGE), this._lastPage());
    for (let distance = 0; distance <= AROUND; distance++) {
      const near = distance
        ? [to + distance, from - distance]
        : range(from, Math.max(from, to));
      for (const number of near) {
        if (this._isPage(number) && !this._isFresh(number)) {
          return number;
        }
      }
    }
    return null;
  }

  /** Ask for the rest of the list, one page at a time, while nothing else is to be done. */
  private _fillLater(): void {
    if (this._timer || this._asking.size || this._isNew()) {
      return;
    }
    const missing = this._missing();
    if (missing === null) {
      return;
    }
    this._timer = window.setTimeout(() => {
      this._timer = 0;
      if (this._active && !this._asking.size && !this._pages.has(missing)) {
        void this._fetch(missing);
      } else {
        this._pump();
      }
    }, PAUSE);
  }

  private _missing(): number | null {
    if (this._total === null || this._total > WHOLE) {
      return null;
    }
    for (let number = 0; number <= this._lastPage(); number++) {
      if (!this._pages.has(number) && !this._asking.has(number)) {
        return number;
      }
    }
    return null;
  }

  private _isNew(): boolean {
    return this._answered !== this._question;
  }

  private _lastPage(): number {
    return Math.max(0, Math.ceil((this._total ?? 1) / PAGE) - 1);
  }

  private _isPage(number: number): boolean {
    return number >= 0 && number <= this._lastPage();
  }

  private _isFresh(number: number): boolean {
    return (
      this._asking.has(number) ||
      (this._pages.get(number)?.asked ?? -1) >= this._since
    );
  }

  private async _fetch(number: number): Promise<void> {
    const question = this._question;
    if (!question) {
      return;
    }
    const asked = ++this._clock;
    const epoch = this._epoch;
    this._asking.add(number);
    try {
      const page = await this._ask({
        ...question,
        offset: number * PAGE,
        limit: PAGE
      });
      if (epoch === this._epoch && !this._isDisposed) {
        this._take(number, page, asked, question);
      }
    } catch (reason) {
      if (epoch === this._epoch && !this._isDisposed) {
        this._failed = true;
        this._problem = asProblem(reason);
        this._changed.emit();
      }
    } finally {
      this._asking.delete(number);
      this._pump();
    }
  }

  private _take(
    number: number,
    page: IPage<T>,
    asked: number,
    question: IQuestion
  ): void {
    if (this._isNew()) {
      this._pages.clear();
      this._answered = question;
    }
    this._pages.set(number, { items: page.items, asked });
    const end = number * PAGE + page.items.length;
    this._total = page.total ?? (page.items.length < PAGE ? end : end + PAGE);
    for (const known of [...this._pages.keys()]) {
      if (known > this._lastPage()) {
        this._pages.delete(known);
      }
    }
    this._problem = null;
    this._notice = page.notice ?? '';
    this._metrics = page.metrics ?? [];
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _pages = new Map<number, IHeld<T>>();
  private readonly _asking = new Set<number>();
  private _question: IQuestion | null = null;
  private _answered: IQuestion | null = null;
  private _total: number | null = null;
  private _problem: Problem | null = null;
  private _notice = '';
  private _metrics: readonly string[] = [];
  private _active = false;
  private _failed = false;
  private _first = 0;
  private _last = 0;
  private _clock = 0;
  /** When the present question was put; what was asked before is about another. */
  private _epoch = 0;
  /** What was asked for before this may have changed since. */
  private _since = 0;
  private _timer = 0;
  private _isDisposed = false;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, place) => from + place);
}
