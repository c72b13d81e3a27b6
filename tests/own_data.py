"""A stranger's data: a bicycle workshop's thirty pages, sixty entries of its diary, a list of synonyms, in Korean.

    python tests/own_data.py mine      # writes mine/문서.csv, mine/일지.csv, mine/동의어.csv

The subject is one that the sample does not have; columns have Korean names; there is no English text."""

import csv
import json
import sys
from datetime import date, timedelta
from pathlib import Path

# part: (what people also call it, what it does, what goes wrong, what helps, the tool, what it is made of)
PARTS = {
    '체인': (
        '사슬',
        '페달을 밟는 힘을 뒷바퀴로 옮긴다',
        '늘어나면 톱니에서 튀고 소리가 난다',
        '마디 길이를 재어 늘어난 것은 새것으로 바꾸고 기름을 얇게 바른다',
        '마디 누름쇠',
        '강철',
    ),
    '브레이크': (
        '제동기',
        '바퀴를 눌러 자전거를 세운다',
        '패드가 닳으면 손잡이가 깊이 들어가고 삑 소리가 난다',
        '닳은 패드를 갈고 선의 당김을 맞춘다',
        '육각 렌치',
        '알루미늄',
    ),
    '안장': (
        '새들',
        '앉은 사람의 몸무게를 받친다',
        '높이가 낮으면 무릎이 아프고 헐거우면 앞으로 기운다',
        '발뒤꿈치가 페달에 닿을 만큼 올리고 조임쇠를 다시 죈다',
        '토크 렌치',
        '가죽',
    ),
    '타이어': (
        '겉바퀴',
        '길바닥을 붙잡고 충격을 줄인다',
        '옆면이 갈라지거나 유리 조각이 박히면 펑크가 잦다',
        '조각을 빼고 갈라진 것은 바꾸며 공기압을 옆면의 숫자에 맞춘다',
        '주걱',
        '고무',
    ),
    '튜브': (
        '속바퀴',
        '타이어 안에서 공기를 담는다',
        '바람이 하루 만에 빠지면 작은 구멍이 난 것이다',
        '물에 담가 거품이 나는 곳을 찾아 조각을 붙인다',
        '펑크 조각',
        '부틸',
    ),
    '바퀴살': (
        '스포크',
        '가운데 통과 테를 이어 바퀴를 둥글게 붙든다',
        '하나가 끊어지면 바퀴가 좌우로 흔들린다',
        '끊어진 살을 새로 끼우고 흔들림이 멎을 때까지 고르게 죈다',
        '살 렌치',
        '스테인리스',
    ),
    '변속기': (
        '드레일러',
        '체인을 큰 톱니와 작은 톱니 사이로 옮긴다',
        '단이 제멋대로 바뀌거나 걸리지 않는다',
        '행어가 휘었는지 보고 당김 나사를 반 바퀴씩 돌려 맞춘다',
        '십자 드라이버',
        '카본',
    ),
    '페달': (
        '발판',
        '발의 힘을 크랭크로 건넨다',
        '축이 뻑뻑하거나 덜그럭거리면 베어링이 마른 것이다',
        '왼쪽은 반대로 도는 나사임을 잊지 말고 풀어 그리스를 채운다',
        '십오 밀리 스패너',
        '마그네슘',
    ),
    '핸들': (
        '조향대',
        '앞바퀴가 가는 쪽을 정한다',
        '앞바퀴와 곧지 않으면 한쪽으로 쏠린다',
        '스템 나사를 늦추고 앞바퀴와 맞춘 뒤 번갈아 죈다',
        '사 밀리 렌치',
        '크로몰리',
    ),
    '전조등': (
        '앞등',
        '밤길을 비추고 마주 오는 차에 알린다',
        '깜박이면 접점에 녹이 슨 것이다',
        '접점을 사포로 문지르고 방수 고무를 새로 끼운다',
        '고운 사포',
        '플라스틱',
    ),
    '물받이': (
        '펜더',
        '빗길에서 튀는 물을 막는다',
        '타이어에 닿으면 긁히는 소리가 난다',
        '받침 철사를 조금 펴서 손가락 하나 틈을 둔다',
        '펜치',
        '대나무',
    ),
    '크랭크': (
        '발걸이축',
        '페달의 돌림을 톱니로 바꾼다',
        '밟을 때마다 딱딱 소리가 나면 축이 헐거운 것이다',
        '양쪽을 뽑아 축을 닦고 정해진 힘으로 다시 죈다',
        '크랭크 뽑개',
        '단조강',
    ),
    '짐받이': (
        '캐리어',
        '뒤에 가방과 상자를 싣는다',
        '나사가 풀리면 언덕에서 짐이 흔들린다',
        '나사마다 풀림 방지액을 바르고 한 달 뒤에 다시 죈다',
        '풀림 방지액',
        '두랄루민',
    ),
    '받침다리': (
        '킥스탠드',
        '세워 둔 자전거를 버틴다',
        '짧으면 자전거가 옆으로 넘어간다',
        '길이를 늘이고 바닥이 무르면 넓은 발을 끼운다',
        '줄자',
        '아연',
    ),
    '자물쇠': (
        '열쇠뭉치',
        '세워 둔 자전거를 도둑에게서 지킨다',
        '먼지가 들어가면 열쇠가 돌지 않는다',
        '흑연 가루를 넣고 여러 번 돌려 길을 낸다',
        '흑연 가루',
        '황동',
    ),
}


def documents() -> list[dict]:
    "Thirty pages: how to mend each part, and how to choose it."
    pages = []
    for name, (_, does, wrong, helps, tool, made_of) in PARTS.items():
        mend = (
            f'{name}: 자전거에서 {does}. {wrong}. 이럴 때는 {helps}. 공방에서는 {tool}을(를) 쓰며 보통 '
            '반 시간이 걸린다. 손을 다치지 않게 장갑을 끼고, 끝나면 마당을 한 바퀴 돌아 본다.'
        )
        choose = (
            f'새 {name} 사는 법. {made_of}(으)로 만든 것이 흔하고, 무게와 값이 저마다 다르다. '
            f'오래 쓸 사람은 {made_of} 제품의 규격을 먼저 재고, 중고는 금이 갔는지 밝은 곳에서 살핀다. '
            '맞지 않는 것을 사면 돌려받기 어려우니 헌것을 들고 가서 견준다.'
        )
        pages.append({'번호': len(pages) + 1, '제목': f'{name} 손보기', '본문': mend})
        pages.append({'번호': len(pages) + 1, '제목': f'{name} 고르기', '본문': choose})
    return pages


def diary() -> list[dict]:
    "Sixty dated entries, one a week; 침수 fills a summer, 전기자전거 comes up in the last months."
    first, names, entries = date(2024, 9, 2), list(PARTS), []
    for n in range(60):
        day, name = first + timedelta(weeks=n), names[n * 7 % len(names)]
        wrong = PARTS[name][2]
        text = f'손님이 {name} 때문에 왔다. {wrong}. 고치고 나서 시험 삼아 골목을 달렸다.'
        if 40 <= n < 46:
            text += ' 장마에 침수 피해를 입은 자전거라 흙탕물부터 빼냈다. 침수 수리는 값을 깎아 준다.'
        if n >= 48:
            text += ' 요즘 전기자전거 배터리를 묻는 사람이 많다. 전기자전거 점검표를 새로 만들었다.'
        entries.append(
            {'작성일': f'{day:%Y.%m.%d}', '제목': f'{name} 수리 일지', '내용': text, '분류': '수리'}
        )
    return entries


def synonyms() -> list[dict]:
    "What customers say for what the pages say."
    return [{'표제어': name, '동의어': other, '점수': '0.9'} for name, (other, *_) in PARTS.items()]


def questions() -> dict[str, str]:
    "Query -> title of the page that answers it; the words of some stand in no page."
    return {
        '바람이 자꾸 빠지는데 구멍을 어떻게 찾나': '튜브 손보기',
        '스포크가 끊어져 바퀴가 흔들린다': '바퀴살 손보기',
        '왼쪽 페달 나사 푸는 법': '페달 손보기',
        '가죽으로 만든 안장을 사고 싶다': '안장 고르기',
    }


def write_csv(path: Path, rows: list[dict]) -> Path:
    "As a spreadsheet saves it: UTF-8 with a mark, CRLF."
    with open(path, 'w', encoding='utf-8-sig', newline='') as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_questions(folder: Path) -> Path:
    "The questions as a retrieval set in the BEIR layout, over all pages."
    pages = documents()
    ids = {page['제목']: str(page['번호']) for page in pages}
    (folder / 'qrels').mkdir(parents=True, exist_ok=True)
    corpus = [{'_id': str(p['번호']), 'title': p['제목'], 'text': p['본문']} for p in pages]
    asked = [{'_id': f'q{n}', 'text': query} for n, query in enumerate(questions(), 1)]
    for name, rows in (('corpus', corpus), ('queries', asked)):
        lines = [json.dumps(row, ensure_ascii=False) + '\n' for row in rows]
        (folder / f'{name}.jsonl').write_text(''.join(lines), encoding='utf-8')
    judged = [f'q{n}\t{ids[title]}\t1\n' for n, title in enumerate(questions().values(), 1)]
    for split, some in (('train', judged[:2]), ('dev', judged[2:3]), ('test', judged[3:])):
        text = 'query-id\tcorpus-id\tscore\n' + ''.join(some)
        (folder / f'qrels/{split}.tsv').write_text(text, encoding='utf-8')
    return folder


def write_all(folder: Path) -> Path:
    "Everything into a folder."
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (('문서', documents()), ('일지', diary()), ('동의어', synonyms())):
        write_csv(folder / f'{name}.csv', rows)
    write_questions(folder / '질문')
    return folder


if __name__ == '__main__':
    print(write_all(Path(sys.argv[1] if len(sys.argv) > 1 else 'mine')))
