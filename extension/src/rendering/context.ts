/** What every part of a card may need, without handing it through. */

import { createContext, useContext } from 'react';

import type { IStored } from './formats';

export interface ICardContext {
  /** Opens a document of a kind; null where there are none. */
  open: ((kind: string, id: string) => void) | null;
  cut: IStored['cut'];
}

export const CardContext = createContext<ICardContext>({ open: null, cut: {} });

export function useCard(): ICardContext {
  return useContext(CardContext);
}

/** How many there were at a place of the record, of which a notebook holds these. */
export function useTotal(place: string, held: number): number {
  return useCard().cut[place] ?? held;
}
