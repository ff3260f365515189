/** The panel's content, from the model's state. */

import { InputGroup, refreshIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useRef, useState } from 'react';

import type { IActions } from '../notebook';
import type { Section as SectionId } from '../tokens';
import { SECTIONS } from '../tokens';
import { trans } from '../translation';
import { LISTS } from './all';
import { PanelContext } from './context';
import { Edge } from './edge';
import { moveFocus } from './keyboard';
import { IconButton, ProblemBox } from './parts';
import { Section } from './section';
import type { ISide } from './side';
import { SideContext, useSignal } from './side';

/** Milliseconds after the last key until the server is asked. */
const TYPING = 150;

export interface IPanelProps {
  side: ISide;
  actions: IActions;
}

export function Panel({ side, actions }: IPanelProps): JSX.Element {
  const { model, layout } = side;
  useSignal(model.changed);
  useSignal(layout.changed);
  const box = useRef<HTMLDivElement>(null);
  const [query, setQuery] = useState(model.query);
  const { project, problem, loading } = model.state;
  useEffect(() => {
    const timer = window.setTimeout(
      () => {
        if (model.query !== query.trim()) {
          model.query = query.trim();
        }
      },
      query ? TYPING : 0
    );
    return () => window.clearTimeout(timer);
  }, [model, query]);

  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>): void => {
    if (moveFocus(event.currentTarget, event.key)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const onType = (text: string): void => {
    setQuery(before => before + text);
    box.current?.querySelector<HTMLElement>('.mlnb-Filter input')?.focus();
  };
  return (
    <div className="mlnb-Panel-content" ref={box} onKeyDown={onKeyDown}>
      <header>
        <h2
          title={trans.__('The project whose runs, data and models are shown')}
        >
          {project?.name ?? 'mlnb'}
        </h2>
        <IconButton
          icon={refreshIcon}
          label={trans.__('Refresh')}
          className={loading ? 'mlnb-mod-loading' : ''}
          onClick={() => void model.refresh()}
        />
      </header>
      <div className="mlnb-Filter">
        <InputGroup
          type="search"
          placeholder={trans.__('Filter: failed auc>0.8')}
          title={trans.__(
            'Words, "phrases" and comparisons such as roc_auc>0.8 or family=boosting; all must hold'
          )}
          aria-label={trans.__('Filter')}
          rightIcon="ui-components:search"
          value={query}
          data-mlnb-stop=""
          onChange={event => setQuery(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Escape') {
              setQuery('');
            }
          }}
        />
      </div>
      {problem && <ProblemBox problem={problem} />}
      {!project && !problem && (
        <p className="mlnb-Empty" role="status">
          {trans.__('Reading the project…')}
        </p>
      )}
      {project && (
        <PanelContext.Provider value={{ actions, project }}>
          <SideContext.Provider value={side}>
            <div className="mlnb-Sections" aria-busy={loading}>
              {SECTIONS.map(section => sectionOf(section, side, onType))}
            </div>
          </SideContext.Provider>
        </PanelContext.Provider>
      )}
    </div>
  );
}

function sectionOf<S extends SectionId>(
  section: S,
  side: ISide,
  onType: (text: string) => void
): JSX.Element {
  const above = openAbove(section, side);
  const movable = above && isFull(section, side);
  return (
    <Section
      key={section}
      list={LISTS[section]}
      onType={onType}
      edge={
        movable && (
          <Edge above={above} below={section} title={LISTS[above].title()} />
        )
      }
    />
  );
}

/** The nearest section above whose height can be changed. */
function openAbove(section: SectionId, side: ISide): SectionId | null {
  const before = SECTIONS.slice(0, SECTIONS.indexOf(section));
  return before.reverse().find(other => isFull(other, side)) ?? null;
}

function isFull(section: SectionId, { layout, model }: ISide): boolean {
  return !layout.isFolded(section) && Boolean(model.lists[section].total);
}
