/** What keys and clicks do in a list, as the ARIA patterns for listboxes have it. */

import type React from 'react';

import type { PagedList } from '../paged';
import type { IRows, Section } from '../tokens';
import type { IList } from './list';
import type { Selection } from './selection';

/** What a key may lead to. */
export interface ILedTo {
  goTo(index: number): void;
  open(index: number): void;
  onType(text: string): void;
}

export class ListKeys<S extends Section> {
  constructor(
    private readonly _list: IList<S>,
    private readonly _rows: PagedList<IRows[S]>,
    private readonly _selection: Selection,
    private readonly _total: number
  ) {}

  /**
   * Do what a key asks for.
   *
   * @param here - The row with the focus.
   * @param page - How many rows a page has.
   * @returns Whether the key was used.
   */
  press(
    event: React.KeyboardEvent,
    here: number,
    page: number,
    led: ILedTo
  ): boolean {
    const last = this._total - 1;
    switch (event.key) {
      case 'ArrowDown':
        return here < last && this._go(event, here, here + 1, led);
      case 'ArrowUp':
        return here > 0 && this._go(event, here, here - 1, led);
      case 'PageDown':
        return this._go(event, here, Math.min(last, here + page), led);
      case 'PageUp':
        return this._go(event, here, Math.max(0, here - page), led);
      case 'Home':
        return this._go(event, here, 0, led);
      case 'End':
        return this._go(event, here, last, led);
      case 'Enter':
        led.open(here);
        return true;
      case ' ':
        return this._space(here, led);
      case 'Escape':
        if (!this._selection.keys.length) {
          return false;
        }
        this._selection.set([]);
        return true;
      case 'ContextMenu':
        return openMenu(event.target as HTMLElement);
      case 'F10':
        return event.shiftKey && openMenu(event.target as HTMLElement);
      default:
        return this._type(event, led);
    }
  }

  /**
   * Select by a click; returns whether the click also opens.
   *
   * @param here - The row that had the focus before.
   */
  click(event: React.MouseEvent, index: number, here: number): boolean {
    if (this._list.multiple && (event.ctrlKey || event.metaKey)) {
      this._toggle(index);
      return false;
    }
    if (this._list.multiple && event.shiftKey) {
      this._range(here, index);
      return false;
    }
    this._selection.set(this._keys([index]));
    return true;
  }

  private _go(
    event: React.KeyboardEvent,
    here: number,
    index: number,
    led: ILedTo
  ): boolean {
    if (event.altKey || event.ctrlKey || event.metaKey) {
      return false;
    }
    if (this._list.multiple && event.shiftKey) {
      const keys = new Set(this._selection.keys);
      const [from, to] = here < index ? [here, index] : [index, here];
      this._keys(range(from, to)).forEach(key => keys.add(key));
      this._selection.set(keys);
    }
    led.goTo(index);
    return true;
  }

  private _space(here: number, led: ILedTo): boolean {
    if (this._list.multiple) {
      this._toggle(here);
    } else {
      led.open(here);
    }
    return true;
  }

  private _type(event: React.KeyboardEvent, led: ILedTo): boolean {
    const held = event.altKey || event.ctrlKey || event.metaKey;
    if (held || event.key.length !== 1) {
      return false;
    }
    led.onType(event.key);
    return true;
  }

  private _toggle(index: number): void {
    this._keys([index]).forEach(key => this._selection.toggle(key));
  }

  private _range(here: number, index: number): void {
    const [from, to] = here < index ? [here, index] : [index, here];
    this._selection.set(this._keys(range(from, to)));
  }

  private _keys(indices: number[]): string[] {
    return indices.flatMap(index => {
      const row = this._rows.at(index);
      return row ? [this._list.key(row)] : [];
    });
  }
}

/** Open the menu of a row, below its title, as a right click would. */
function openMenu(row: HTMLElement): boolean {
  const { left, top } = row.getBoundingClientRect();
  row.dispatchEvent(
    new MouseEvent('contextmenu', {
      bubbles: true,
      cancelable: true,
      clientX: left + 28,
      clientY: top + 24
    })
  );
  return true;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, place) => from + place);
}
