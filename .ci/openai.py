"""OpenAI's client for Python against a server that runs; see openai.mjs, which starts it and says what is expected.

    python .ci/openai.py URL EXPECTED
"""

import itertools
import json
import sys

sys.path.pop(0)  # this file is called like the package
import openai  # noqa: E402

URL, EXPECTED = sys.argv[1], json.loads(sys.argv[2])
MODEL, PROMPT, TOKENS, TEXT, CHAT = (EXPECTED[name] for name in ("model", "prompt", "tokens", "text", "chat"))
client = openai.OpenAI(base_url=URL + "/v1", api_key=EXPECTED["key"], max_retries=0)


def same(found, expected):
    if found != expected:
        raise AssertionError(f"{found!r}, not {expected!r}")


def completion(**more):
    given = {"model": MODEL, "prompt": PROMPT, "max_tokens": TOKENS, "temperature": 0, **more}
    return client.completions.create(**given, extra_body={"ignore_eos": True})


def conversation(by=client, **more):
    given = {"model": MODEL, "messages": EXPECTED["messages"], "max_completion_tokens": TOKENS, "temperature": 0, **more}
    return by.chat.completions.create(**given, extra_body={"ignore_eos": True})


def models():
    same([each.id for each in client.models.list()], [MODEL])
    same(client.models.retrieve(MODEL).object, "model")


def completions():
    plain = completion()
    same((plain.choices[0].text, plain.choices[0].finish_reason), (TEXT, "length"))
    same(plain.usage.completion_tokens, TOKENS)

    echo = completion(echo=True, logprobs=2)
    logprobs = echo.choices[0].logprobs
    same(echo.choices[0].text, PROMPT + TEXT)
    same("".join(logprobs.tokens), PROMPT + TEXT)
    same(logprobs.token_logprobs[0], None)
    same(logprobs.text_offset, list(itertools.accumulate(map(len, logprobs.tokens[:-1]), initial=0)))
    for token, value, top in list(zip(logprobs.tokens, logprobs.token_logprobs, logprobs.top_logprobs))[1:]:
        same(top[token], value)

    several, again = (completion(n=3, temperature=1, seed=11) for _ in range(2))
    same(len({choice.text for choice in several.choices}), 3)
    same([choice.text for choice in again.choices], [choice.text for choice in several.choices])

    word = " " + TEXT.split()[4]
    stopped = completion(stop=[word]).choices[0]
    same((stopped.text, stopped.finish_reason), (TEXT[: TEXT.index(word)], "stop"))

    events = list(completion(stream=True, stream_options={"include_usage": True}))
    same("".join(choice.text for event in events for choice in event.choices), TEXT)
    same(events[-1].usage.completion_tokens, TOKENS)


def chat():
    whole = conversation(logprobs=True, top_logprobs=2).choices[0]
    same((whole.message.role, whole.message.content, whole.finish_reason), ("assistant", CHAT, "length"))
    same("".join(each.token for each in whole.logprobs.content).lstrip(), CHAT)
    same([each.top_logprobs[0].logprob for each in whole.logprobs.content], [each.logprob for each in whole.logprobs.content])

    events = list(conversation(stream=True, stream_options={"include_usage": True}))
    same("".join(choice.delta.content or "" for event in events for choice in event.choices), CHAT)
    same(events[-1].usage.completion_tokens, TOKENS)

    word = " " + CHAT.split()[3]
    stopped = conversation(stop=word).choices[0]
    same((stopped.message.content, stopped.finish_reason), (CHAT[: CHAT.index(word)], "stop"))


def refused(kind, words, ask, **more):
    try:
        ask(**more)
    except kind as error:
        if words not in str(error):
            raise AssertionError(f"{error} does not say: {words}") from error
    else:
        raise AssertionError("not refused: " + words)


def errors():
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    refused(openai.BadRequestError, "tools is not supported", conversation, tools=[tool])
    refused(openai.BadRequestError, "temperature must be", conversation, temperature=-1)
    refused(openai.NotFoundError, 'no model "other"', client.models.retrieve, model="other")
    stranger = openai.OpenAI(base_url=URL + "/v1", api_key="wrong", max_retries=0)
    refused(openai.AuthenticationError, "valid API key", conversation, by=stranger)


models()
completions()
chat()
errors()
print("OpenAI's client for Python: models, completions, chat, streams and errors as they should be")
