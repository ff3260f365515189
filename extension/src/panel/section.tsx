/** One list with its heading: on its way, empty, filtered or full. */

import {
  caretDownIcon,
  caretRightIcon,
  ellipsesIcon
} from '@jupyterlab/ui-components';
import React, { useId } from 'react';

import { number } from '../text';
import type { Section as SectionId } from '../tokens';
import { trans } from '../translation';
import { usePanel } from './context';
import type { IList } from './list';
import { ListBox, ROW } from './listbox';
import { IconButton, ProblemBox, Snippet } from './parts';
import { useSide, useSignal } from './side';

/** Pixels of a heading; the style sheet says the same. */
const HEADING = 30;

export interface ISectionProps<S extends SectionId> {
  list: IList<S>;
  onType: (text: string) => void;
  /** The edge to the section above. */
  edge: React.ReactNode;
}

export function Section<S extends SectionId>({
  list,
  onType,
  edge
}: ISectionProps<S>): JSX.Element {
  const { model, layout, menus } = useSide();
  const rows = model.lists[list.id];
  useSignal(rows.changed);
  const body = useId();
  const open = !layout.isFolded(list.id);
  const { total, problem, answered } = rows;
  const Caret = open ? caretDownIcon : caretRightIcon;
  const full = open && Boolean(total);
  return (
    <section
      className={`mlnb-Section${open ? ' mlnb-mod-open' : ''}${full ? ' mlnb-mod-full' : ''}`}
      data-mlnb-section={list.id}
      style={
        full
          ? {
              flexGrow: layout.share(list.id),
              maxHeight: HEADING + (total ?? 0) * ROW + (problem ? 200 : 2)
            }
          : undefined
      }
    >
      {edge}
      <div className="mlnb-Section-head">
        <h3>
          <button
            type="button"
            data-mlnb-stop=""
            aria-expanded={open}
            aria-controls={body}
            onClick={() => layout.fold(list.id, open)}
          >
            <Caret.react tag="span" />
            <span>{list.title()}</span>
            {total ? <span className="mlnb-Count">{number(total)}</span> : null}
          </button>
        </h3>
        {open && <CompareButton list={list} />}
        {full && (
          <IconButton
            icon={ellipsesIcon}
            label={trans.__('Order of %1', list.title())}
            className="mlnb-Section-order"
            menu
            onClick={event => menus.order(list.id, event.currentTarget)}
          />
        )}
      </div>
      <div id={body} className="mlnb-Section-body" hidden={!open}>
        {problem && <ProblemBox problem={problem} />}
        {open && rows.notice && (
          <p className="mlnb-Notice" role="status">
            {rows.notice}
          </p>
        )}
        {total === 0 && !problem && (
          <Empty list={list} query={answered?.query} />
        )}
        {open && total === null && !problem && (
          <p className="mlnb-Empty" role="status">
            {trans.__('Reading…')}
          </p>
        )}
        {full && (
          <ListBox list={list} rows={rows} total={total ?? 0} onType={onType} />
        )}
      </div>
    </section>
  );
}

function Empty<S extends SectionId>({
  list,
  query = ''
}: {
  list: IList<S>;
  query?: string;
}): JSX.Element {
  if (query) {
    return (
      <p className="mlnb-Empty">
        {trans.__('Nothing here matches “%1”.', query)}
      </p>
    );
  }
  const { text, code, notebook } = list.empty();
  return (
    <div className="mlnb-Empty">
      <p>{text}</p>
      <Snippet code={code} notebook={notebook} />
    </div>
  );
}

/** Offered when several rows are selected. */
function CompareButton<S extends SectionId>({
  list
}: {
  list: IList<S>;
}): JSX.Element | null {
  const { selections } = useSide();
  const { actions } = usePanel();
  const selection = selections[list.id];
  useSignal(selection.changed);
  const { keys } = selection;
  if (!list.multiple || keys.length < 2) {
    return null;
  }
  return (
    <button
      type="button"
      className="mlnb-Compare"
      onClick={() => actions.openDocument('compare', keys.join(','))}
    >
      {trans._n('Compare %1', 'Compare %1', keys.length)}
    </button>
  );
}
