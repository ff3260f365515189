/** The versions of a dataset, fetched page by page as they are scrolled to. */

import { useCallback, useEffect, useRef, useState } from 'react';

import { asProblem } from '../../api';
import type { DamagedVersion, Problem, VersionLine } from '../../records';
import { useDocument } from '../context';

/** So many lines before the last known one, more are asked for. */
const AHEAD = 40;

export interface IVersions {
  lines: VersionLine[];
  total: number;
  damaged: DamagedVersion[];
  problem: Problem | null;
  /** Say that the line at a place is looked at. */
  need: (place: number) => void;
}

const NOTHING = {
  lines: [] as VersionLine[],
  total: 0,
  damaged: [] as DamagedVersion[],
  problem: null as Problem | null,
  more: true
};

export function useVersions(dataset: string): IVersions {
  const { api, folder, model, visible } = useDocument();
  const [found, setFound] = useState(NOTHING);
  const [round, setRound] = useState(0);
  const asking = useRef(false);
  const latest = useRef(found);
  latest.current = found;

  const ask = useCallback(
    async (anew: boolean): Promise<void> => {
      if (asking.current) {
        return;
      }
      asking.current = true;
      const known = anew ? NOTHING : latest.current;
      try {
        const before = known.lines[known.lines.length - 1]?.number ?? 0;
        const page = await api.ask('GET /datasets/{dataset}/versions', {
          folder,
          dataset,
          before
        });
        setFound({
          lines: [...known.lines, ...page.versions],
          total: page.total,
          damaged: [...known.damaged, ...page.damaged],
          more: page.more && page.versions.length > 0,
          problem: null
        });
      } catch (reason) {
        setFound(before => ({
          ...before,
          more: false,
          problem: asProblem(reason)
        }));
      } finally {
        asking.current = false;
      }
    },
    [api, dataset, folder]
  );

  useEffect(() => {
    if (visible) {
      void ask(true);
    }
  }, [ask, round, visible]);

  useEffect(() => {
    const onPushed = (
      _: unknown,
      change: { folder: string; sections: string[] }
    ): void => {
      if (change.folder === folder && change.sections.includes('datasets')) {
        setRound(count => count + 1);
      }
    };
    model.pushed.connect(onPushed);
    return () => {
      model.pushed.disconnect(onPushed);
    };
  }, [folder, model]);

  const last = useRef(0);
  const need = (place: number): void => {
    last.current = place;
  };
  useEffect(() => {
    if (
      found.more &&
      found.lines.length &&
      last.current + AHEAD > found.lines.length
    ) {
      void ask(false);
    }
  });
  return { ...found, need };
}
