/** The rows of one list that are selected. */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

export class Selection {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Keys, in the order in which they were selected. */
  get keys(): readonly string[] {
    return [...this._keys];
  }

  has(key: string): boolean {
    return this._keys.has(key);
  }

  set(keys: Iterable<string>): void {
    this._keys = new Set(keys);
    this._changed.emit();
  }

  toggle(key: string): void {
    if (!this._keys.delete(key)) {
      this._keys.add(key);
    }
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _keys = new Set<string>();
}
