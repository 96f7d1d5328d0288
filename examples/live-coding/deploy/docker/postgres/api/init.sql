CREATE TABLE predictions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  asked_at timestamptz NOT NULL DEFAULT now(),
  model_version text NOT NULL,
  features double precision[] NOT NULL,
  class text NOT NULL
);
