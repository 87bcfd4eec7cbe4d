// What the page asks of the server: OpenAI's API and a little of its own.

function headers(settings) {
  return { 'Content-Type': 'application/json', ...(settings.key ? { Authorization: `Bearer ${settings.key}` } : {}) };
}

async function problem(response) {
  const body = await response.json().catch(() => null);
  return new Error(body?.error?.message ?? `the server answered ${response.status}`);
}

export async function model(settings) {
  const response = await fetch('/v1/models', { headers: headers(settings) });
  if (!response.ok) {
    throw await problem(response);
  }
  return (await response.json()).data[0];
}

function sampling(settings) {
  const fields = {};
  for (const name of ['temperature', 'top_p', 'top_k', 'min_p', 'repeat_penalty', 'max_tokens']) {
    fields[name] = Number(settings[name]);
  }
  return settings.seed === '' ? fields : { ...fields, seed: Number(settings.seed) };
}

/** Streams the continuation of the turns; calls back with each piece and returns the usage. */
export async function answer(turns, mode, settings, signal, onPiece) {
  const common = { stream: true, stream_options: { include_usage: true }, ...sampling(settings) };
  const chat = mode === 'chat';
  const system = chat && settings.system ? [{ role: 'system', content: settings.system }] : [];
  const body = chat
    ? { ...common, messages: [...system, ...turns.map(({ role, text }) => ({ role, content: text }))] }
    : { ...common, prompt: turns.map(({ text }) => text).join('') };
  const response = await fetch(chat ? '/v1/chat/completions' : '/v1/completions', {
    method: 'POST', headers: headers(settings), body: JSON.stringify(body), signal,
  });
  if (!response.ok) {
    throw await problem(response);
  }
  let usage = null;
  for await (const data of events(response.body)) {
    if (data.error) {
      throw new Error(data.error.message);
    }
    usage = data.usage ?? usage;
    const choice = data.choices?.[0];
    const piece = chat ? choice?.delta?.content : choice?.text;
    if (piece) {
      onPiece(piece);
    }
  }
  return usage;
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let held = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    held += value;
    const lines = held.split('\n\n');
    held = lines.pop();
    for (const line of lines) {
      const data = line.replace(/^data: /, '');
      if (data === '[DONE]') {
        return;
      }
      yield JSON.parse(data);
    }
  }
}
