/** The panel's content, from the model's state. */

import { InputGroup, refreshIcon } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { datasets } from '../datasets/list';
import { endpoints } from '../endpoints/list';
import { models } from '../models/list';
import type { IActions } from '../notebook';
import { pipelines } from '../pipelines/list';
import { runs } from '../runs/list';
import type { IMlnbModel, IState } from '../tokens';
import { PanelContext } from './context';
import { moveFocus } from './keyboard';
import { IconButton, ProblemBox } from './parts';
import { Section } from './section';

export interface IPanelProps {
  model: IMlnbModel;
  state: IState;
  actions: IActions;
}

export function Panel({ model, state, actions }: IPanelProps): JSX.Element {
  const [query, setQuery] = useState('');
  const { overview, problem, loading } = state;
  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>): void => {
    if (moveFocus(event.currentTarget, event.key)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  return (
    <div className="mlnb-Panel-content" onKeyDown={onKeyDown}>
      <header>
        <h2 title="The project whose runs, data and models are shown">
          {overview?.project.name ?? 'mlnb'}
        </h2>
        <IconButton
          icon={refreshIcon}
          label="Refresh"
          className={loading ? 'mlnb-mod-loading' : ''}
          onClick={() => void model.refresh()}
        />
      </header>
      <div className="mlnb-Filter">
        <InputGroup
          type="search"
          placeholder="Filter by name, status…"
          aria-label="Filter"
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
      {!overview && !problem && (
        <p className="mlnb-Empty" role="status">
          Reading the project…
        </p>
      )}
      {overview && (
        <PanelContext.Provider value={{ actions, project: overview.project }}>
          <div className="mlnb-Sections" aria-busy={loading}>
            <Section
              list={runs}
              records={overview.runs}
              problem={overview.problems.runs}
              query={query.trim()}
            />
            <Section
              list={datasets}
              records={overview.datasets}
              problem={overview.problems.datasets}
              query={query.trim()}
            />
            <Section
              list={models}
              records={overview.models}
              problem={overview.problems.models}
              query={query.trim()}
            />
            <Section
              list={endpoints}
              records={overview.endpoints}
              problem={overview.problems.endpoints}
              query={query.trim()}
            />
            <Section
              list={pipelines}
              records={overview.pipelines}
              problem={overview.problems.pipelines}
              query={query.trim()}
            />
          </div>
        </PanelContext.Provider>
      )}
    </div>
  );
}
