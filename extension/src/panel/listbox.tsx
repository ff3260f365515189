/** The rows of a list: only those in view are there; walked by the keyboard. */

import { useVirtualizer, defaultRangeExtractor } from '@tanstack/react-virtual';
import React, {
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState
} from 'react';

import type { PagedList } from '../paged';
import type { IRows, Section } from '../tokens';
import { usePanel } from './context';
import type { IList } from './list';
import { ListKeys } from './list-keys';
import { useSide, useSignal } from './side';

/** Pixels of a row; the style sheet says the same. */
export const ROW = 46;
/** Rows that are drawn above and below those in view. */
const OVERSCAN = 20;

export interface IListBoxProps<S extends Section> {
  list: IList<S>;
  rows: PagedList<IRows[S]>;
  total: number;
  /** Called with what is typed while a row has the focus. */
  onType: (text: string) => void;
}

export function ListBox<S extends Section>({
  list,
  rows,
  total,
  onType
}: IListBoxProps<S>): JSX.Element {
  const { selections } = useSide();
  const { actions } = usePanel();
  const selection = selections[list.id];
  useSignal(selection.changed);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const [active, setActive] = useState(0);
  const hasFocus = useRef(false);
  const here = Math.min(active, total - 1);

  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: OVERSCAN,
    rangeExtractor: range => {
      const shown = defaultRangeExtractor(range);
      return shown.includes(here) ? shown : [here, ...shown].sort(ascending);
    }
  });
  const { startIndex: first, endIndex: last } = virtual.range ?? {
    startIndex: 0,
    endIndex: 0
  };
  useEffect(() => rows.want(first, last), [rows, first, last]);
  useToTop(rows, box, setActive);

  const open = (index: number): void => {
    const row = rows.at(index);
    if (row) {
      const { kind, id: key } = list.document(row);
      actions.openDocument(kind, key);
    }
  };
  const keys = new ListKeys(list, rows, selection, total);
  const goTo = (index: number): void => {
    hasFocus.current = true;
    setActive(index);
    virtual.scrollToIndex(index);
  };
  useLayoutEffect(() => {
    const row = document.getElementById(`${id}-${here}`);
    if (hasFocus.current && row && row !== document.activeElement) {
      row.focus({ preventScroll: true });
    }
  });

  const onKeyDown = (event: React.KeyboardEvent): void => {
    const step = Math.max(1, last - first - 1);
    const used = keys.press(event, here, step, { goTo, open, onType });
    if (used) {
      event.preventDefault();
      event.stopPropagation();
    }
  };

  return (
    <div
      ref={box}
      className="mlnb-ListBox"
      role="listbox"
      aria-label={list.title()}
      aria-multiselectable={list.multiple ?? false}
      onKeyDown={onKeyDown}
      onFocus={() => (hasFocus.current = true)}
      onBlur={event => {
        if (event.relatedTarget) {
          hasFocus.current = false; // not when the row itself went away
        }
      }}
    >
      <div
        role="presentation"
        className="mlnb-ListBox-all"
        style={{ height: virtual.getTotalSize() }}
      >
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows.at(index);
          const key = row && list.key(row);
          return (
            <div
              key={index}
              id={`${id}-${index}`}
              className="mlnb-Row-line"
              role="option"
              aria-selected={key !== undefined && selection.has(key)}
              aria-posinset={index + 1}
              aria-setsize={total}
              aria-busy={row === undefined || undefined}
              tabIndex={index === here ? 0 : -1}
              data-mlnb-stop={index === here ? '' : undefined}
              data-mlnb-list={list.id}
              data-mlnb-key={key}
              style={{ transform: `translateY(${start}px)` }}
              onClick={event => {
                setActive(index);
                if (keys.click(event, index, here)) {
                  open(index);
                }
              }}
              onContextMenu={() => setActive(index)}
            >
              {row ? <list.Row row={row} /> : <Placeholder />}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Another question begins at the top. */
function useToTop<T>(
  rows: PagedList<T>,
  box: React.RefObject<HTMLElement>,
  setActive: (index: number) => void
): void {
  const before = useRef(rows.answered);
  const toTop = useCallback(() => {
    box.current?.scrollTo({ top: 0 });
    setActive(0);
  }, [box, setActive]);
  useLayoutEffect(() => {
    if (before.current !== rows.answered) {
      before.current = rows.answered;
      toTop();
    }
  });
}

/** Stands for a row that is on its way. */
function Placeholder(): JSX.Element {
  return (
    <span className="mlnb-Row-text mlnb-mod-coming">
      <span />
      <span />
    </span>
  );
}

function ascending(one: number, other: number): number {
  return one - other;
}
