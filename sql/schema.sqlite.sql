-- Made by `python -m charrnn.store.ddl` from charrnn/store/tables.py. Change the tables there, not here.
-- The program creates these tables itself; this file is for reading, and for those who create them by hand.

CREATE TABLE corpus (
    id VARCHAR(64) NOT NULL,
    name VARCHAR(255) NOT NULL,
    size_bytes BIGINT NOT NULL,
    num_characters BIGINT NOT NULL,
    num_distinct INTEGER NOT NULL,
    num_lines BIGINT NOT NULL,
    encoding VARCHAR(64) NOT NULL,
    newlines VARCHAR(16) NOT NULL,
    created_at DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')) NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE corpus_owner (
    corpus_id VARCHAR(64) NOT NULL,
    owner VARCHAR(200) DEFAULT '' NOT NULL,
    name VARCHAR(255) NOT NULL,
    created_at DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')) NOT NULL,
    PRIMARY KEY (corpus_id, owner),
    CONSTRAINT fk_corpus_owner_corpus_id FOREIGN KEY(corpus_id) REFERENCES corpus (id) ON DELETE CASCADE
);

CREATE TABLE model (
    id VARCHAR(64) NOT NULL,
    created_at DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')) NOT NULL,
    updated_at DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')) NOT NULL,
    name VARCHAR(200) NOT NULL,
    train_params JSON NOT NULL,
    sample_params JSON DEFAULT ('{}') NOT NULL,
    has_data BOOLEAN GENERATED ALWAYS AS (state <> 'draft') VIRTUAL,
    is_in_progress BOOLEAN GENERATED ALWAYS AS (state IN ('queued', 'training', 'stopping')) VIRTUAL,
    is_complete BOOLEAN GENERATED ALWAYS AS (state = 'completed') VIRTUAL,
    state VARCHAR(16) DEFAULT 'draft' NOT NULL,
    corpus_id VARCHAR(64),
    owner VARCHAR(200) DEFAULT '' NOT NULL,
    notes TEXT DEFAULT ('') NOT NULL,
    tags JSON DEFAULT ('[]') NOT NULL,
    epoch INTEGER DEFAULT '0' NOT NULL,
    worker VARCHAR(255) DEFAULT '' NOT NULL,
    lease_until DATETIME,
    stop_requested BOOLEAN DEFAULT 0 NOT NULL,
    step BIGINT DEFAULT '0' NOT NULL,
    best_loss DOUBLE,
    log_position BIGINT DEFAULT '0' NOT NULL,
    error TEXT,
    started_at DATETIME,
    finished_at DATETIME,
    deleted_at DATETIME,
    live_name VARCHAR(200) GENERATED ALWAYS AS (CASE WHEN deleted_at IS NULL THEN name END) VIRTUAL,
    cpu VARCHAR(200),
    PRIMARY KEY (id),
    CONSTRAINT uq_model_owner_live_name UNIQUE (owner, live_name),
    CONSTRAINT fk_model_corpus_id FOREIGN KEY(corpus_id) REFERENCES corpus (id)
);

CREATE INDEX ix_model_state ON model (state);

CREATE INDEX ix_model_updated_at ON model (updated_at);

CREATE TABLE checkpoint (
    id VARCHAR(64) NOT NULL,
    model_id VARCHAR(64) NOT NULL,
    step BIGINT NOT NULL,
    kind VARCHAR(16) NOT NULL,
    loss DOUBLE,
    folder VARCHAR(255) NOT NULL,
    size_bytes BIGINT NOT NULL,
    created_at DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT fk_checkpoint_model_id FOREIGN KEY(model_id) REFERENCES model (id) ON DELETE CASCADE
);

CREATE INDEX ix_checkpoint_model_id_kind_step ON checkpoint (model_id, kind, step);

CREATE TABLE model_log (
    model_id VARCHAR(64) NOT NULL,
    position BIGINT NOT NULL,
    chunk TEXT NOT NULL,
    time DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')) NOT NULL,
    level VARCHAR(16) DEFAULT 'info' NOT NULL,
    PRIMARY KEY (model_id, position),
    CONSTRAINT fk_model_log_model_id FOREIGN KEY(model_id) REFERENCES model (id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE model_metric (
    model_id VARCHAR(64) NOT NULL,
    name VARCHAR(64) NOT NULL,
    step BIGINT NOT NULL,
    value DOUBLE NOT NULL,
    time DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')) NOT NULL,
    PRIMARY KEY (model_id, name, step),
    CONSTRAINT fk_model_metric_model_id FOREIGN KEY(model_id) REFERENCES model (id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE sample (
    id VARCHAR(64) NOT NULL,
    model_id VARCHAR(64) NOT NULL,
    step BIGINT NOT NULL,
    text TEXT NOT NULL,
    options JSON NOT NULL,
    epoch INTEGER,
    created_at DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')) NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT fk_sample_model_id FOREIGN KEY(model_id) REFERENCES model (id) ON DELETE CASCADE
);

CREATE INDEX ix_sample_model_id_step ON sample (model_id, step);

CREATE TABLE charrnn_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);

INSERT INTO charrnn_version (version_num) VALUES ('0003');
