"""APIs whose answers are known: their mappings, by the word the feed file uses."""

from collections.abc import Mapping
from typing import Any

from pipeline.feeds.json_mapping import JsonMapping, Next, fits, records

HACKER_NEWS = JsonMapping(
    needs=(
        ("objectID", "author", "created_at_i", "title | comment_text | story_text | story_title"),
        ("id", "author", "created_at_i", "type", "title | text"),
    ),
    fields={
        "id": "objectID | id",
        # a comment is read under the headline it is about
        "title": "title | story_title",
        "text": "story_text | comment_text | text",
        "url": "url | https://news.ycombinator.com/item?id={objectID}"
        " | https://news.ycombinator.com/item?id={id}",
        "author": "author",
        "published": "created_at | created_at_i",
    },
    extra={"points": "points", "comments": "num_comments", "story": "story_id"},
)
REDDIT = JsonMapping(
    needs=(("name", "permalink", "created_utc", "title | body"),),
    fields={
        "id": "name",
        "title": "title | link_title",
        "text": "selftext | body",
        "url": "https://www.reddit.com{permalink}",
        "author": "author",
        "published": "created_utc",
    },
    extra={"score": "score", "comments": "num_comments", "forum": "subreddit"},
    next=Next(param="after", cursor="data.after"),
)
STOCKTWITS = JsonMapping(
    needs=(("id", "body", "created_at", "user.username"),),
    fields={
        "id": "id",
        "text": "body",
        "url": "https://stocktwits.com/{user.username}/message/{id}",
        "author": "user.username",
        "published": "created_at",
        "subjects": "symbols[].symbol",
    },
    extra={
        "reshared": "reshare_message.message.id",
        "followers": "user.followers",
        "likes": "likes.total",
        # what its author says it is
        "stated_sentiment": "entities.sentiment.basic",
    },
    next=Next(param="max", cursor="cursor.max"),
)
_POST = "https://bsky.app/profile"
BLUESKY = JsonMapping(
    needs=(
        ("uri", "record.text", "record.createdAt"),
        ("uri", "value.text", "value.createdAt"),
        ("did", "commit.rkey", "commit.record.text", "commit.record.createdAt"),
    ),
    fields={
        "id": "uri | at://{did}/app.bsky.feed.post/{commit.rkey}",
        "text": "record.text | value.text | commit.record.text",
        "url": f"{_POST}/{{author.handle}}/post/{{uri/4}} | {_POST}/{{uri/2}}/post/{{uri/4}}"
        f" | {_POST}/{{did}}/post/{{commit.rkey}}",
        "author": "author.handle | {uri/2} | did",
        "lang": "record.langs[0] | value.langs[0] | commit.record.langs[0]",
        "published": "record.createdAt | value.createdAt | commit.record.createdAt | indexedAt",
    },
    extra={"likes": "likeCount", "reposts": "repostCount"},
    markup=False,
    next=Next(param="cursor", cursor="cursor"),
)
MASTODON = JsonMapping(
    needs=(("uri | url", "created_at", "account.acct", "content | reblog.content"),),
    fields={
        "id": "uri | url",
        "text": "content | reblog.content",
        "url": "url | uri",
        "author": "account.acct",
        "lang": "language",
        "published": "created_at",
        "repost_of": "reblog.uri",
    },
    extra={"followers": "account.followers_count", "likes": "favourites_count"},
)
SEC_SEARCH = JsonMapping(
    needs=(("_id", "_source.adsh", "_source.file_date"),),
    fields={
        "id": "_id",
        "title": "{_source.form}: {_source.display_names[0]}",
        "text": "_source.file_description",
        "url": "https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK={_source.ciks[0]}"
        "&type={_source.form}",
        "published": "_source.file_date",
    },
    extra={"form": "_source.form", "accession": "_source.adsh"},
)
# What one company filed, by its number: data.sec.gov/submissions/CIK0000320193.json
SEC_COMPANY = JsonMapping(
    columns="filings.recent",
    fields={
        "id": "accessionNumber",
        "title": "{form}: {name}",
        "text": "primaryDocDescription",
        "url": "https://www.sec.gov/Archives/edgar/data/{cik}/{accessionNumber}.txt",
        "publisher": "name",
        "published": "acceptanceDateTime | filingDate",
        "subjects": "tickers[]",
    },
    extra={"form": "form", "items": "items", "accession": "accessionNumber"},
)
# The one without a zone is in UTC where there are two (`date_gmt`, `date` of WordPress).
_WHEN = (
    "published_at | publishedAt | published | pubDate | pub_date | datePublished | date_published"
    " | publish_date | published_utc | publish_time | publishTime | pubtime | time_published"
    " | date_gmt | created_at | createdAt | created | ctime | datetime | timestamp | date | time"
    " | showTime | seendate | updated_at | updatedAt"
)
# Records of any other API, and lines of any file: the names that are commonly given.
COMMON = JsonMapping(
    needs=(
        (
            "title | headline | text | body | content | message | summary | description | intro"
            " | digest",
            _WHEN,
        ),
    ),
    fields={
        "id": "id | guid | guid.rendered | uuid | _id | docid | url | link",
        "title": "title | headline | title.rendered | name",
        "text": "text | body | content | content.rendered | content_html | message | full_text"
        " | summary | description | abstract | excerpt.rendered | intro | digest",
        "url": "url | link | permalink | article_url | web_url | href | uniqueUrl",
        "author": "author.name | author | authors[].name | authors | user.username | user.name"
        " | user.screen_name | user | creator | byline | by",
        "publisher": "publisher.name | publisher | source.name | source_name | site | media_name"
        " | mediaName",
        "lang": "lang | language",
        "published": _WHEN,
        "updated": "updated_at | updatedAt | updated | modified_gmt | modified",
        "subjects": "subjects | tickers | symbols[].symbol | symbols | related",
    },
)
PRESETS: Mapping[str, JsonMapping] = {
    "hackernews": HACKER_NEWS,
    "reddit": REDDIT,
    "stocktwits": STOCKTWITS,
    "bluesky": BLUESKY,
    "mastodon": MASTODON,
    "sec-search": SEC_SEARCH,
    "sec-company": SEC_COMPANY,
    "common": COMMON,
}


def recognised(value: Any) -> str | None:
    """The preset whose records `value`, a whole answer or one record, holds; None for none."""
    return next(
        (
            name
            for name, mapping in PRESETS.items()
            if fits(value, mapping) or next(iter(records(value, mapping)), None) is not None
        ),
        None,
    )
