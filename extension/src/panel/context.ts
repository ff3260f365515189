/** What every part of the panel may need, without handing it through. */

import { createContext, useContext, useEffect, useState } from 'react';

import type { IActions } from '../notebook';
import type { Place } from '../records';

export interface IPanelContext {
  actions: IActions;
  project: Place;
}

export const PanelContext = createContext<IPanelContext | null>(null);

export function usePanel(): IPanelContext {
  const context = useContext(PanelContext);
  if (!context) {
    throw new Error('This part only works inside the panel or a document.');
  }
  return context;
}

/** The present time, again every so many milliseconds (null: not again). */
export function useNow(every: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (every === null) {
      return;
    }
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), every);
    return () => window.clearInterval(timer);
  }, [every]);
  return now;
}
