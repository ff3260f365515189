/** What the parts of the side panel share beside what documents have, too. */

import { createContext, useContext, useEffect, useReducer } from 'react';
import type { ISignal } from '@lumino/signaling';

import type { IMlnbModel, Section } from '../tokens';
import type { PanelLayout } from './layout';
import type { Selection } from './selection';

/** Menus are Lumino's; the panel only says where. */
export interface IMenus {
  /** Open the menu of a list's orders below a button. */
  order(section: Section, button: HTMLElement): void;
}

export interface ISide {
  model: IMlnbModel;
  layout: PanelLayout;
  selections: { readonly [S in Section]: Selection };
  menus: IMenus;
}

export const SideContext = createContext<ISide | null>(null);

export function useSide(): ISide {
  const side = useContext(SideContext);
  if (!side) {
    throw new Error('This part only works inside the side panel.');
  }
  return side;
}

/** Render again whenever a signal is emitted. */
export function useSignal(signal: ISignal<unknown, unknown>): void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const onChange = (): void => again();
    signal.connect(onChange);
    return () => {
      signal.disconnect(onChange);
    };
  }, [signal]);
}
