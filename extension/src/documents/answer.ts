/** What a route answers, kept up to date while the document is looked at. */

import { useCallback, useEffect, useRef, useState } from 'react';

import type { Answer, Asked, Route } from '../api';
import { asProblem } from '../api';
import type { Change, Problem } from '../records';
import type { Section } from '../tokens';
import { useDocument } from './context';

/** Milliseconds in which several pushed changes lead to one question. */
const DEBOUNCE = 200;

export interface IAnswer<R extends Route> {
  /** The last answer; null before the first one. It stays while a later question fails. */
  data: Answer<R> | null;
  problem: Problem | null;
  loading: boolean;
  reload: () => void;
}

export interface IAnswerOptions {
  /** Ask again when one of these lists has changed. */
  sections?: readonly Section[];
  /** Ask again when a pushed change is of interest for another reason. */
  when?: (change: Change) => boolean;
  /** Ask again every so many milliseconds (null: do not). */
  every?: number | null;
}

interface IFound<R extends Route> {
  key: string;
  data: Answer<R> | null;
  problem: Problem | null;
}

/** Ask a route; answers that come too late for what is now asked are dropped. */
export function useAnswer<R extends Route>(
  route: R,
  asked: Omit<Asked<R>, 'folder'>,
  options: IAnswerOptions = {}
): IAnswer<R> {
  const { api, model, folder, visible } = useDocument();
  const key = JSON.stringify([route, folder, asked]);
  const [found, setFound] = useState<IFound<R> | null>(null);
  const [stale, setStale] = useState(0);
  const [loading, setLoading] = useState(true);
  const answered = useRef('');
  const reload = useCallback(() => setStale(count => count + 1), []);
  const latest = useRef({ asked, options });
  latest.current = { asked, options };

  useEffect(() => {
    const question = `${key} ${stale}`;
    if (!visible || answered.current === question) {
      return;
    }
    let current = true;
    setLoading(true);
    const request = { ...latest.current.asked, folder } as Asked<R>;
    api.ask(route, request).then(
      data => current && done({ key, data, problem: null }),
      (reason: unknown) =>
        current && done({ key, data: null, problem: asProblem(reason) })
    );
    const done = (next: IFound<R>): void => {
      answered.current = question;
      setLoading(false);
      setFound(before => ({
        ...next,
        data: next.data ?? (before?.key === key ? before.data : null)
      }));
    };
    return () => {
      current = false;
    };
  }, [api, folder, key, route, stale, visible]);

  useEffect(() => {
    let timer = 0;
    const onPushed = (_: unknown, change: Change): void => {
      const { sections = [], when } = latest.current.options;
      const concerned =
        change.folder === folder &&
        (change.sections.some(name => sections.includes(name)) ||
          when?.(change));
      if (concerned && !timer) {
        timer = window.setTimeout(() => {
          timer = 0;
          reload();
        }, DEBOUNCE);
      }
    };
    model.pushed.connect(onPushed);
    return () => {
      window.clearTimeout(timer);
      model.pushed.disconnect(onPushed);
    };
  }, [folder, model, reload]);

  const every = options.every ?? null;
  useEffect(() => {
    if (every === null || !visible) {
      return;
    }
    const timer = window.setInterval(reload, every);
    return () => window.clearInterval(timer);
  }, [every, reload, visible]);

  const fits = found?.key === key ? found : null;
  return {
    data: fits?.data ?? null,
    problem: fits?.problem ?? null,
    loading,
    reload
  };
}
