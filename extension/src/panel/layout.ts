/** Which sections are folded, and how high the others are; kept in JupyterLab's state. */

import type { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Section } from '../tokens';
import { SECTIONS } from '../tokens';

const KEY = 'mlnb:panel';

/** Shares of the height, until somebody drags an edge. */
const SHARES: { readonly [S in Section]: number } = {
  runs: 4,
  datasets: 3,
  models: 2,
  endpoints: 2,
  pipelines: 3
};

export class PanelLayout {
  constructor(private readonly _state: IStateDB | null = null) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  isFolded(section: Section): boolean {
    return this._folded.has(section);
  }

  fold(section: Section, folded: boolean): void {
    if (folded) {
      this._folded.add(section);
    } else {
      this._folded.delete(section);
    }
    this._keep();
  }

  /** A section's share of the height. */
  share(section: Section): number {
    return this._shares[section];
  }

  setShares(shares: { readonly [S in Section]?: number }): void {
    this._shares = { ...this._shares, ...shares };
    this._keep();
  }

  order(section: Section): string {
    return this._orders[section] ?? '';
  }

  setOrder(section: Section, order: string): void {
    this._orders = { ...this._orders, [section]: order };
    this._keep();
  }

  /** Take up what was kept by the window before. */
  async restore(): Promise<void> {
    const kept = (await this._state?.fetch(KEY)) as IKept | undefined;
    for (const section of SECTIONS) {
      if (kept?.folded?.includes(section)) {
        this._folded.add(section);
      }
      const share = kept?.shares?.[section];
      if (typeof share === 'number' && share > 0) {
        this._shares[section] = share;
      }
      const order = kept?.orders?.[section];
      if (typeof order === 'string') {
        this._orders[section] = order;
      }
    }
    this._changed.emit();
  }

  private _keep(): void {
    this._changed.emit();
    const kept: ReadonlyPartialJSONObject = {
      folded: [...this._folded],
      shares: { ...this._shares },
      orders: { ...this._orders }
    };
    void this._state?.save(KEY, kept);
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _folded = new Set<Section>();
  private _shares: { [S in Section]: number } = { ...SHARES };
  private _orders: { [S in Section]?: string } = {};
}

interface IKept {
  folded?: string[];
  shares?: { [section: string]: number };
  orders?: { [section: string]: string };
}
