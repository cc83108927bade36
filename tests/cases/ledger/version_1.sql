-- A ledger as version 1 of its tables made it.
PRAGMA application_id = 1416983150;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE attempts (
    call_id TEXT NOT NULL REFERENCES calls (id),
    number INTEGER NOT NULL,
    deployment TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER,
    usage_is_estimated INTEGER NOT NULL,
    cost_usd_picos INTEGER,
    ttft_ms INTEGER,
    total_ms INTEGER NOT NULL,
    message_code TEXT,
    input_uncached INTEGER NOT NULL DEFAULT 0,
    cache_read INTEGER NOT NULL DEFAULT 0,
    cache_write_5m INTEGER NOT NULL DEFAULT 0,
    cache_write_1h INTEGER NOT NULL DEFAULT 0,
    cache_write_other INTEGER NOT NULL DEFAULT 0,
    output_text INTEGER NOT NULL DEFAULT 0,
    reasoning INTEGER NOT NULL DEFAULT 0,
    audio_in INTEGER NOT NULL DEFAULT 0,
    audio_out INTEGER NOT NULL DEFAULT 0,
    web_searches INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (call_id, number)
) WITHOUT ROWID;
INSERT INTO "attempts" VALUES('c0',1,'haiku@eu','haiku','rate_limited',429,0,NULL,NULL,40,'429',0,0,0,0,0,0,0,0,0,0);
INSERT INTO "attempts" VALUES('c0',2,'haiku@us','haiku','complete',200,1,1000003,120,860,NULL,10,3,0,0,0,0,0,0,0,0);
INSERT INTO "attempts" VALUES('c1',1,'haiku@eu','haiku','rate_limited',429,0,NULL,NULL,40,'429',0,0,0,0,0,0,0,0,0,0);
INSERT INTO "attempts" VALUES('c1',2,'haiku@us','haiku','complete',200,1,1000004,120,860,NULL,10,3,0,0,0,0,0,0,0,0);
INSERT INTO "attempts" VALUES('c2',1,'haiku@eu','haiku','rate_limited',429,0,NULL,NULL,40,'429',0,0,0,0,0,0,0,0,0,0);
INSERT INTO "attempts" VALUES('c2',2,'haiku@us','haiku','complete',200,1,1000005,120,860,NULL,10,3,0,0,0,0,0,0,0,0);
INSERT INTO "attempts" VALUES('c3',1,'haiku@eu','haiku','rate_limited',429,0,NULL,NULL,40,'429',0,0,0,0,0,0,0,0,0,0);
INSERT INTO "attempts" VALUES('c3',2,'haiku@us','haiku','complete',200,1,1000006,120,860,NULL,10,3,0,0,0,0,0,0,0,0);
CREATE TABLE calls (
    id TEXT NOT NULL PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    policy_hash TEXT NOT NULL,
    catalog_hash TEXT NOT NULL,
    outcome TEXT NOT NULL,
    rule TEXT,
    model TEXT,
    deployment TEXT,
    provider TEXT,
    cost_usd_picos INTEGER,
    expected_cost_p50_usd_picos INTEGER,
    expected_cost_p90_usd_picos INTEGER,
    strongest_cost_usd_picos INTEGER,
    ttft_ms INTEGER,
    total_ms INTEGER NOT NULL,
    facts_json TEXT NOT NULL,
    record_json TEXT NOT NULL,
    attempts_count INTEGER NOT NULL,
    input_uncached INTEGER NOT NULL DEFAULT 0,
    cache_read INTEGER NOT NULL DEFAULT 0,
    cache_write_5m INTEGER NOT NULL DEFAULT 0,
    cache_write_1h INTEGER NOT NULL DEFAULT 0,
    cache_write_other INTEGER NOT NULL DEFAULT 0,
    output_text INTEGER NOT NULL DEFAULT 0,
    reasoning INTEGER NOT NULL DEFAULT 0,
    audio_in INTEGER NOT NULL DEFAULT 0,
    audio_out INTEGER NOT NULL DEFAULT 0,
    web_searches INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "calls" VALUES('c0',1795000000000,'pppppppp','kkkkkkkk','complete','cheap','opus','haiku@us','anthropic',1000003,4,9,2000000,120,900,'{"task": "code", "meta.team": "team0"}','{"v":1}',2,10,3,0,0,0,7,2,0,0,0);
INSERT INTO "calls" VALUES('c1',1795086400000,'pppppppp','kkkkkkkk','complete','cheap','haiku','haiku@us','anthropic',1000004,4,9,2000000,120,900,'{"task": "code", "meta.team": "team1"}','{"v":1}',2,10,3,0,0,0,7,2,0,0,0);
INSERT INTO "calls" VALUES('c2',1795172800000,'pppppppp','kkkkkkkk','complete','cheap','opus','haiku@us','anthropic',1000005,4,9,2000000,120,900,'{"task": "code", "meta.team": "team0"}','{"v":1}',2,10,3,0,0,0,7,2,0,0,0);
INSERT INTO "calls" VALUES('c3',1795259200000,'pppppppp','kkkkkkkk','complete','cheap','haiku','haiku@us','anthropic',NULL,4,9,2000000,120,900,'{"task": "code", "meta.team": "team1"}','{"v":1}',2,10,3,0,0,0,7,2,0,0,0);
CREATE INDEX calls_by_time ON calls (time_ms);
COMMIT;
