"""A job's Celery message as it lies in a Redis list, so that a script can write it in the same step as the record.

The form is Celery's message protocol 2 (docs, "Message Protocol") in the envelope of kombu's Redis transport; that transport takes the oldest
message from the right end of the list that has the queue's name. Other brokers get their messages from Celery itself.
"""

from __future__ import annotations

import json

from contracts.routes import QUEUE_PREFIX, RUN_JOB

JOB, ROUTE, TAG = "@JOB@", "@ROUTE@", "@TAG@"
"""What the scripts put in: the job, its route, and a name of this one message."""


def envelope() -> str:
    """The message of any job, with :data:`JOB`, :data:`ROUTE` and :data:`TAG` in the places of what differs."""
    return json.dumps(
        {
            "body": json.dumps([[JOB], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": _headers(),
            "properties": {
                "correlation_id": JOB,
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QUEUE_PREFIX + ROUTE},
                "priority": 0,
                "body_encoding": "utf-8",  # plain: the body is JSON already
                "delivery_tag": TAG,
            },
        }
    )


def _headers() -> dict[str, object]:
    return {
        "lang": "py",
        "task": RUN_JOB,
        "id": JOB,
        "root_id": JOB,
        "parent_id": None,
        "group": None,
        "group_index": None,
        "shadow": None,
        "eta": None,
        "expires": None,
        "retries": 0,
        "timelimit": [None, None],
        "argsrepr": f"['{JOB}']",
        "kwargsrepr": "{}",
        "origin": "aigc",
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
    }
