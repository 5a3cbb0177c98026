# Char-RNN Studio as a container image.
#
#   make image                                                                   # docker, podman or buildah
#   docker run -p 127.0.0.1:8080:8080 -v charrnn:/data charrnn-studio            # the dashboard, with SQLite
#   docker run --rm -ti -v charrnn:/data charrnn-studio charrnn models           # any other command
#   docker run --read-only --tmpfs /tmp -v charrnn:/data charrnn-studio          # read-only root
#
# The first start creates the user "admin" and prints the password once. CHARRNN_LOGIN_FILE names a login file with your
# users. docs/operating.md explains how to run the image; docs/settings.md lists all settings.
#
# Build secrets, if packages come through a mirror or a proxy. The image does not contain them:
#   --secret id=pip_conf,src=pip.conf              the package index (index-url), for pip and uv
#   --secret id=ca_certificates,src=bundle.pem     the certificates to trust while downloading
# `docker build --target gpu .` builds the image for NVIDIA GPUs on x86_64.

ARG BASE=debian:trixie-slim

# For both stages: Python 3.13 of Debian, and tini, which reaps and signals processes.
FROM ${BASE} AS python
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3.13 tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +


FROM python AS build
# This stage is discarded, including its package lists.
# hadolint ignore=DL3008,DL3009
RUN apt-get update && apt-get install -y --no-install-recommends binutils python3.13-venv
WORKDIR /build
COPY container/install requirements-uv.lock ./
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=ca_certificates ./install uv

FROM build AS packages
COPY requirements-image.lock ./
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=ca_certificates \
    ./install packages requirements-image.lock

FROM build AS packages-gpu
COPY requirements.lock requirements-gpu.lock ./
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=ca_certificates \
    ./install packages requirements.lock requirements-gpu.lock

# A separate stage, so that a change of the program does not rebuild the layer with all packages.
FROM build AS program
COPY pyproject.toml README.md LICENSE ./
COPY charrnn charrnn
COPY dashboard dashboard
RUN ./install program


FROM python AS runtime
RUN groupadd --gid 10001 charrnn \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin charrnn \
    # Group 0 lets containers run with any user ID, as on OpenShift.
    && install -d -o 10001 -g 0 -m 0770 /data \
    && install -d -o 10001 -g 10001 -m 0775 /run/charrnn
ENV PATH=/opt/charrnn/bin:$PATH \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    CHARRNN_HOME=/data \
    CHARRNN_ADDRESS=0.0.0.0 \
    CHARRNN_PORT=8080 \
    CHARRNN_DATABASE_WAIT=60
COPY container/create-secrets container/entrypoint container/healthcheck /usr/local/bin/
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["healthcheck"]
ENTRYPOINT ["tini", "--", "entrypoint"]
LABEL org.opencontainers.image.title="Char-RNN Studio" \
      org.opencontainers.image.description="Train a character RNN on your own text, watch it learn, and generate text with it." \
      org.opencontainers.image.licenses="MIT"


# The labels change with every commit, so they come last and do not invalidate the layer of the packages.
FROM runtime AS gpu
COPY --from=packages-gpu /opt/charrnn /opt/charrnn
COPY --from=program /opt/program /opt/charrnn
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"


FROM runtime AS cpu
COPY --from=packages /opt/charrnn /opt/charrnn
COPY --from=program /opt/program /opt/charrnn
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
