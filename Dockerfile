# One image for every stage: `docker run bellwether run classify`.
#
#   docker build -t bellwether:0.1.0 .
#   docker build --build-arg TORCH_INDEX=URL …    takes torch from another index: its CPU build
#   is a fraction of the default one, which carries CUDA

ARG PYTHON_IMAGE=python:3.11.17-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG TORCH_INDEX=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/bellwether
WORKDIR /src
# torch first: it is most of the image and changes with constraints.txt only
COPY constraints.txt ./
RUN /opt/bellwether/bin/pip install --constraint constraints.txt ${TORCH_INDEX:+--index-url ${TORCH_INDEX}} torch
COPY pyproject.toml README.md LICENSE ./
COPY pipeline pipeline
COPY models models
COPY alerts alerts
COPY workers workers
COPY migrations migrations
RUN /opt/bellwether/bin/pip install --constraint constraints.txt '.[postgres,encoder]' \
 && /opt/bellwether/bin/pip check \
 && /opt/bellwether/bin/pip uninstall --yes pip

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="bellwether" \
      org.opencontainers.image.licenses="Apache-2.0"
# A fixed id, so that volumes and secrets can be given to it. The home holds what a model
# named by hub id is cached in; nothing else is ever written outside /tmp.
RUN groupadd --gid 10001 bellwether \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/bellwether --create-home \
      --shell /usr/sbin/nologin bellwether
COPY --from=build /opt/bellwether /opt/bellwether
ENV PATH=/opt/bellwether/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HOME=/var/lib/bellwether/hub
USER 10001:10001
WORKDIR /var/lib/bellwether
# docker-compose.yml says which process runs and how its health is asked for
ENTRYPOINT ["bellwether"]
CMD ["--help"]
